-- Three levels of windows, the last of them hops.
CREATE TEMPORARY VIEW tens AS
  SELECT symbol, window_time AS t1, SUM(quantity) AS q, COUNT(*) AS n
  FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY symbol, window_start, window_end, window_time;
CREATE TEMPORARY VIEW minutes AS
  SELECT symbol, window_time AS t2, MAX(q) AS q, SUM(n) AS n
  FROM TABLE(TUMBLE(TABLE tens, DESCRIPTOR(t1), INTERVAL '1' MINUTE)) GROUP BY symbol, window_start, window_end, window_time;
SELECT window_start, window_end, COUNT(symbol) AS symbols, MAX(q) AS best, SUM(n) AS n
FROM TABLE(HOP(TABLE minutes, DESCRIPTOR(t2), INTERVAL '2' MINUTE, INTERVAL '6' MINUTE))
GROUP BY window_start, window_end
