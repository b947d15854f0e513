-- Days in New York that begin every six hours, through the night with 23 hours.
SET 'table.local-time-zone' = 'America/New_York';
SELECT window_start, window_end, window_time, COUNT(*) AS n, SUM(amount) AS total
FROM TABLE(HOP(TABLE purchases, DESCRIPTOR(ts), INTERVAL '6' HOUR, INTERVAL '1' DAY))
GROUP BY window_start, window_end, window_time
