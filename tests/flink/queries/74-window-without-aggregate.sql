-- The rows of hops, each with the bounds of its windows; nothing is late here.
SELECT v, ts, window_start, window_end, window_time
FROM TABLE(HOP(TABLE edges, DESCRIPTOR(ts), INTERVAL '5' SECOND, INTERVAL '10' SECOND))
