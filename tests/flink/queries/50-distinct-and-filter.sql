-- DISTINCT and FILTER in aggregates, together and apart.
SELECT window_start, COUNT(DISTINCT symbol) AS symbols, COUNT(DISTINCT venue) FILTER (WHERE price > 200) AS venues,
  SUM(DISTINCT quantity) AS different, SUM(quantity) FILTER (WHERE symbol = 'AAPL') AS aapl,
  COUNT(*) FILTER (WHERE price IS NULL) AS unpriced, AVG(price) FILTER (WHERE quantity > 5000) AS never
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '2' MINUTE))
GROUP BY window_start, window_end
