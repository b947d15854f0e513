-- Windows of four hours in Shanghai.
SET 'table.local-time-zone' = 'Asia/Shanghai';
SELECT window_start, window_end, window_time, COUNT(*) AS n, SUM(amount) AS total, CAST(MIN(ts) AS STRING) AS first_one, MAX(ts) AS last_one
FROM TABLE(TUMBLE(TABLE purchases, DESCRIPTOR(ts), INTERVAL '4' HOUR))
GROUP BY window_start, window_end, window_time
