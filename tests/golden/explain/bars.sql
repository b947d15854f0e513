-- Windows that tumble, of groups with a filter in front and one behind.
CREATE TABLE trades (
  symbol VARCHAR(8), price DECIMAL(10, 2), quantity INT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'trades.csv', 'format' = 'csv');
SELECT symbol, window_start, COUNT(*) AS n, VWAP(price, quantity) AS vwap
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
WHERE price IS NOT NULL
GROUP BY symbol, window_start, window_end
HAVING COUNT(*) > 1;
