-- Sessions of points in time, in a zone of a fixed offset.
SET 'table.local-time-zone' = 'GMT+05:30';
SELECT user_id, window_start, window_end, window_time, COUNT(*) AS n, SUM(amount) AS total
FROM TABLE(SESSION(TABLE purchases PARTITION BY user_id, DESCRIPTOR(ts), INTERVAL '2' HOUR))
GROUP BY user_id, window_start, window_end, window_time
