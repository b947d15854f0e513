-- A row counts while the end of its window less 1 ms is greater than the watermark.
SELECT window_start, window_end, window_time, COUNT(*) AS n, SUM(v) AS total, MIN(v) AS least, MAX(v) AS most
FROM TABLE(TUMBLE(TABLE edges, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end, window_time
