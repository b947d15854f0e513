-- A window over the rows of a window, on window_time.
SELECT window_start, window_end, symbol, SUM(n) AS n, MAX(total) AS best_minute
FROM TABLE(TUMBLE((
  SELECT symbol, window_time AS wt, COUNT(*) AS n, SUM(price) AS total
  FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
  GROUP BY symbol, window_start, window_end, window_time), DESCRIPTOR(wt), INTERVAL '5' MINUTE))
GROUP BY symbol, window_start, window_end
