-- CUBE, with GROUPING_ID.
SELECT window_start, symbol, venue, GROUPING_ID(symbol, venue) AS which, COUNT(price) AS n
FROM TABLE(HOP(TABLE trades, DESCRIPTOR(ts), INTERVAL '5' MINUTE, INTERVAL '10' MINUTE))
GROUP BY window_start, window_end, CUBE (symbol, venue)
