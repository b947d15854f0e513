-- SESSION by named arguments, over two keys.
SELECT symbol, venue, window_start, window_end, COUNT(*) AS n, SUM(price) AS total
FROM TABLE(SESSION(DATA => TABLE trades PARTITION BY (symbol, venue), TIMECOL => DESCRIPTOR(ts), GAP => INTERVAL '20' SECOND))
GROUP BY symbol, venue, window_start, window_end
