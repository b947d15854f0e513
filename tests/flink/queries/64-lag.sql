-- LAG by one and by two rows, with and without a default.
SELECT symbol, ts, price, LAG(price) OVER (PARTITION BY symbol ORDER BY ts) AS before_it,
  LAG(quantity, 2) OVER (PARTITION BY symbol ORDER BY ts) AS two_before,
  LAG(quantity, 1, CAST(0 AS BIGINT)) OVER (PARTITION BY symbol ORDER BY ts) AS or_zero
FROM trades_in_time
