-- ROLLUP.
SELECT window_end, symbol, venue, COUNT(*) AS n, MAX(price) AS high
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, ROLLUP (symbol, venue)
