-- MIN and MAX of texts, times and dates.
SELECT b, window_start, MIN(s) AS s0, MAX(s) AS s1, MIN(d) AS d0, MAX(d) AS d1, MIN(t) AS t0, MAX(t) AS t1, MIN(ts3) AS ts0, MAX(ts3) AS ts1, COUNT(DISTINCT s) AS texts
FROM TABLE(TUMBLE(TABLE values_of_all_types, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY b, window_start, window_end
