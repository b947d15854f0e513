-- Conditional sums, and arithmetic of aggregates.
SELECT venue, window_start, SUM(CASE WHEN price > 200 THEN quantity ELSE 0 END) AS dear, COUNT(CASE WHEN symbol = 'AAPL' THEN 1 END) AS aapl,
  SUM(price) / COUNT(price) AS mean, CAST(AVG(price) AS DECIMAL(10, 2)) AS rounded, MAX(quantity) - MIN(quantity) AS spread, COALESCE(SUM(quantity), 0) AS volume
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '2' MINUTE))
GROUP BY venue, window_start, window_end
