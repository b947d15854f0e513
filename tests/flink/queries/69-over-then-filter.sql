-- A filter on the change from the row before.
SELECT symbol, ts, price, previous, price - previous AS change FROM (
  SELECT symbol, ts, price, LAG(price) OVER (PARTITION BY symbol ORDER BY ts) AS previous FROM trades_in_time WHERE price IS NOT NULL)
WHERE ABS(price - previous) > 300
