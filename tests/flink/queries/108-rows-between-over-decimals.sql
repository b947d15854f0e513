-- A moving average of five rows, of decimals with NULL.
SELECT symbol, ts, price, AVG(price) OVER w AS mean, SUM(price) OVER w AS total, COUNT(price) OVER w AS n
FROM trades_in_time
WINDOW w AS (PARTITION BY symbol ORDER BY ts ROWS BETWEEN 4 PRECEDING AND CURRENT ROW)
