-- Distinct rows of a window, as a GROUP BY without an aggregate.
SELECT symbol, venue, window_start
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '5' MINUTE))
GROUP BY symbol, venue, window_start, window_end
