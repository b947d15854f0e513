-- The day so far in Zurich, in steps of six hours.
SET 'table.local-time-zone' = 'Europe/Zurich';
SELECT window_start, window_end, COUNT(*) AS n, COUNT(DISTINCT user_id) AS users
FROM TABLE(CUMULATE(TABLE purchases, DESCRIPTOR(ts), INTERVAL '6' HOUR, INTERVAL '1' DAY))
GROUP BY window_start, window_end
