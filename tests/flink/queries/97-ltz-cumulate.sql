-- The day so far, in steps of six hours, in a zone of a fixed offset, with an offset of its own.
SET 'table.local-time-zone' = 'GMT+02:00';
SELECT window_start, window_end, COUNT(*) AS n, COUNT(DISTINCT user_id) AS users
FROM TABLE(CUMULATE(TABLE purchases, DESCRIPTOR(ts), INTERVAL '6' HOUR, INTERVAL '1' DAY, INTERVAL '3' HOUR))
GROUP BY window_start, window_end
