-- GROUPING SETS with the empty set, and GROUPING to tell a NULL that stands for all.
SELECT window_start, symbol, venue, GROUPING(symbol) AS all_symbols, GROUPING(venue) AS all_venues, COUNT(*) AS n, SUM(quantity) AS volume
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '5' MINUTE))
GROUP BY window_start, window_end, GROUPING SETS ((symbol, venue), (symbol), ())
