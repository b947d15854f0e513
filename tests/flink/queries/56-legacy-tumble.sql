-- Windows as grouping functions: TUMBLE with its start, end and row time.
SELECT symbol, TUMBLE_START(ts, INTERVAL '1' MINUTE) AS ws, TUMBLE_END(ts, INTERVAL '1' MINUTE) AS we,
  TUMBLE_ROWTIME(ts, INTERVAL '1' MINUTE) AS wt, COUNT(*) AS n, SUM(price) AS total
FROM trades
GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE), symbol
