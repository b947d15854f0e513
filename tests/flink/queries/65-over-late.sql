-- A rolling count where rows come at and behind the watermark: those not newer than the last that was answered are dropped.
SELECT v, ts, COUNT(*) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '5' SECOND PRECEDING AND CURRENT ROW) AS n
FROM edges
