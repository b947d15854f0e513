-- OVER where rows come at and behind the watermark.
SELECT v, ts, COUNT(*) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW) AS n
FROM edges
