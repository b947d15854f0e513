-- WHERE with AND, OR, NOT, BETWEEN, IN, LIKE and comparisons of decimals with whole numbers.
SELECT symbol, price, quantity, venue, ts
FROM trades
WHERE (price BETWEEN 100 AND 200.50 OR quantity IN (1, 5, 1000)) AND NOT venue LIKE 'X%' AND symbol <> 'MSFT'
