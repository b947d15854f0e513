-- Hops over the epoch, that begin before the first row.
SELECT k, window_start, window_end, COUNT(*) AS n, MIN(v) AS low, MAX(v) AS high
FROM TABLE(HOP(TABLE sparse, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '3' HOUR))
GROUP BY k, window_start, window_end
