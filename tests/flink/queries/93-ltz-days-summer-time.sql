-- Days in New York, of which one has 23 hours.
SET 'table.local-time-zone' = 'America/New_York';
SELECT window_start, window_end, window_time, COUNT(*) AS n, SUM(amount) AS total, MIN(ts) AS first_one, MAX(ts) AS last_one
FROM TABLE(TUMBLE(TABLE purchases, DESCRIPTOR(ts), INTERVAL '1' DAY))
GROUP BY window_start, window_end, window_time
