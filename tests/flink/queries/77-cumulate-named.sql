-- CUMULATE by named arguments.
SELECT k, window_start, window_end, COUNT(*) AS n
FROM TABLE(CUMULATE(DATA => TABLE edges, TIMECOL => DESCRIPTOR(ts), STEP => INTERVAL '10' SECOND, SIZE => INTERVAL '1' MINUTE))
GROUP BY k, window_start, window_end
