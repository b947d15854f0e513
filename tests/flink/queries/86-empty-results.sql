-- Windows of which no row passes the filter give nothing.
SELECT window_start, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
WHERE price < 0
GROUP BY window_start, window_end
