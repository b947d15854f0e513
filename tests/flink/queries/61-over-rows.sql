-- Counts and extremes over four rows; ties stand in the order of their arrival.
SELECT venue, ts, price, COUNT(*) OVER w AS n, MIN(price) OVER w AS low, MAX(price) OVER w AS high, SUM(quantity) OVER w AS volume
FROM trades_in_time
WINDOW w AS (PARTITION BY venue ORDER BY ts ROWS BETWEEN 3 PRECEDING AND CURRENT ROW)
