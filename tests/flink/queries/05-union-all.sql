-- UNION ALL of three branches: a DECIMAL with a whole number and a literal, a STRING with a literal.
SELECT symbol AS name, price AS amount, ts FROM trades WHERE quantity = 1
UNION ALL
SELECT venue, quantity, ts FROM trades WHERE quantity = 250
UNION ALL
SELECT 'sensor', CAST(id AS DECIMAL(12, 4)), ts FROM sensors WHERE ok IS NULL
