-- A running total by rows.
SELECT symbol, ts, quantity, SUM(quantity) OVER (PARTITION BY symbol ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far
FROM trades_in_time
