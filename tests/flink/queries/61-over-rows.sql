-- A rolling average over rows; a tie is broken by arrival.
SELECT id, ts, temperature,
  COUNT(*) OVER w AS n, MIN(temperature) OVER w AS low, MAX(temperature) OVER w AS high
FROM sensors
WINDOW w AS (PARTITION BY id ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)
