-- Deviation and variance, of populations and samples, of DOUBLE.
SELECT id, window_start, COUNT(temperature) AS n, STDDEV_POP(temperature) AS sp, STDDEV_SAMP(temperature) AS ss,
  VAR_POP(temperature) AS vp, VAR_SAMP(temperature) AS vs, VARIANCE(temperature) AS va, STDDEV(temperature) AS sd
FROM TABLE(TUMBLE(TABLE sensors, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY id, window_start, window_end
