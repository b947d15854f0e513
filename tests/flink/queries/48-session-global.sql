-- Sessions of all rows together: gaps, rows exactly one gap apart, late rows.
SELECT window_start, window_end, COUNT(*) AS n, SUM(v) AS total
FROM TABLE(SESSION(TABLE edges, DESCRIPTOR(ts), INTERVAL '5' SECOND))
GROUP BY window_start, window_end
