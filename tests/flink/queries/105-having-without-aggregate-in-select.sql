-- HAVING by AVG and a DISTINCT count, over hops.
SELECT window_end, symbol
FROM TABLE(HOP(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '3' MINUTE))
GROUP BY symbol, window_start, window_end
HAVING AVG(price) > 230 AND COUNT(DISTINCT venue) >= 3
