-- A running total by rows, where some rows come at and behind the watermark: those are dropped.
SELECT v, ts, SUM(v) OVER (ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS so_far
FROM edges
