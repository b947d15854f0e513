-- Sessions, then windows of them by the end of each.
SELECT window_start, COUNT(*) AS sessions, SUM(n) AS n, MAX(n) AS longest
FROM TABLE(TUMBLE((
  SELECT symbol, window_time AS wt, COUNT(*) AS n FROM TABLE(SESSION(TABLE trades PARTITION BY symbol, DESCRIPTOR(ts), INTERVAL '8' SECOND))
  GROUP BY symbol, window_start, window_end, window_time), DESCRIPTOR(wt), INTERVAL '5' MINUTE))
GROUP BY window_start, window_end
