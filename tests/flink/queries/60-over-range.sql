-- A rolling sum over a range of time: rows of the same time count, and one exactly as old as the range.
SELECT symbol, ts, price, quantity,
  SUM(quantity) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW) AS rolling,
  COUNT(price) OVER (PARTITION BY symbol ORDER BY ts RANGE BETWEEN INTERVAL '10' SECOND PRECEDING AND CURRENT ROW) AS priced
FROM trades_in_time
