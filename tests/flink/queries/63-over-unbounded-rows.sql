-- A running total by rows, over all keys.
SELECT v, ts, SUM(v) OVER (ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far
FROM edges
