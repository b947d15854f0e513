-- The plain aggregates per key, with a NULL key and NULL values.
SELECT symbol, window_start, window_end, COUNT(*) AS n, COUNT(price) AS priced, SUM(price) AS total, AVG(price) AS mean,
  MIN(price) AS low, MAX(price) AS high, SUM(quantity) AS volume, AVG(quantity) AS mean_quantity, MIN(venue) AS first_venue
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY symbol, window_start, window_end
