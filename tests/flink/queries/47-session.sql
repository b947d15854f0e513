-- Sessions by key.
SELECT symbol, window_start, window_end, window_time, COUNT(*) AS n, SUM(quantity) AS volume
FROM TABLE(SESSION(TABLE trades PARTITION BY symbol, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY symbol, window_start, window_end, window_time
