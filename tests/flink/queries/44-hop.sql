-- Hopping windows; the slide stands before the size, and late rows are judged for each window.
SELECT symbol, window_start, window_end, COUNT(*) AS n, SUM(quantity) AS volume
FROM TABLE(HOP(TABLE trades, DESCRIPTOR(ts), INTERVAL '20' SECOND, INTERVAL '1' MINUTE))
GROUP BY symbol, window_start, window_end
