-- Days in a zone of a fixed offset, as hops of twelve hours.
SET 'table.local-time-zone' = 'GMT-08:00';
SELECT window_start, window_end, COUNT(*) AS n, SUM(amount) AS total
FROM TABLE(HOP(TABLE purchases, DESCRIPTOR(ts), INTERVAL '12' HOUR, INTERVAL '1' DAY))
GROUP BY window_start, window_end
