-- LAG where rows come late: at and behind the watermark they are dropped.
SELECT v, ts, LAG(v) OVER (ORDER BY ts) AS previous FROM edges
