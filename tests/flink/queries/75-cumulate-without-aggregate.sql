-- The rows of cumulating windows, with an offset.
SELECT v, ts, window_start, window_end
FROM TABLE(CUMULATE(TABLE edges, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '30' SECOND, INTERVAL '5' SECOND))
