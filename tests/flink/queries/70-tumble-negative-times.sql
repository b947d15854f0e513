-- Windows of ten seconds over the epoch and before it, with long gaps.
SELECT window_start, window_end, window_time, COUNT(*) AS n, SUM(v) AS total
FROM TABLE(TUMBLE(TABLE sparse, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, window_time
