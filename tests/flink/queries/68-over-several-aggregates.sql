-- Several aggregates of one window, with AVG of a decimal and of a whole number.
SELECT symbol, ts, price, AVG(price) OVER w AS mean, AVG(quantity) OVER w AS mean_quantity, MIN(price) OVER w AS low, MAX(price) OVER w AS high,
  SUM(price * quantity) OVER w AS notional, COUNT(*) OVER w AS n
FROM trades_in_time
WINDOW w AS (PARTITION BY symbol ORDER BY ts RANGE BETWEEN INTERVAL '30' SECOND PRECEDING AND CURRENT ROW)
