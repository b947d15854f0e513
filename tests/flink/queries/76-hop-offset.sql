-- Hops with an offset, by named arguments.
SELECT k, window_start, window_end, COUNT(*) AS n, MAX(v) AS most
FROM TABLE(HOP(DATA => TABLE edges, TIMECOL => DESCRIPTOR(ts), SLIDE => INTERVAL '5' SECOND, SIZE => INTERVAL '15' SECOND, `OFFSET` => INTERVAL '2' SECOND))
GROUP BY k, window_start, window_end
