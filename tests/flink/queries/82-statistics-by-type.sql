-- Deviation and variance of decimals, of which the types are those of AVG.
SELECT window_start, COUNT(c) AS n, VAR_POP(c) AS vp, VAR_SAMP(c) AS vs, STDDEV_POP(y) AS sp_dbl, STDDEV_SAMP(y) AS ss_dbl, VAR_POP(y) AS vp_dbl
FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '20' SECOND))
GROUP BY window_start, window_end
