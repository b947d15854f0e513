-- HAVING over aggregates that are and are not in the SELECT.
SELECT venue, window_start, COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '5' MINUTE))
GROUP BY venue, window_start, window_end
HAVING COUNT(*) > 20 AND SUM(quantity) > 1000 OR MAX(price) IS NULL
