-- Columns, expressions and literals in a SELECT.
SELECT symbol, price, quantity, price * quantity AS notional, quantity + 1 AS more, 'x' AS letter, 7 AS seven, 1.5 AS half, ts
FROM trades
