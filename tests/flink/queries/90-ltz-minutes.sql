-- Points in time: windows in UTC. The bounds are wall-clock times, window_time is a point.
SELECT user_id, window_start, window_end, window_time, COUNT(*) AS n, SUM(amount) AS total
FROM TABLE(TUMBLE(TABLE purchases, DESCRIPTOR(ts), INTERVAL '1' HOUR))
GROUP BY user_id, window_start, window_end, window_time
