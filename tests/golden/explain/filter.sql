-- Nothing is kept: rows leave as they come.
CREATE TABLE trades (
  symbol VARCHAR(8), price DECIMAL(10, 2), quantity INT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'trades.csv', 'format' = 'csv');
SELECT symbol, price * quantity AS paid FROM trades WHERE quantity >= 100;
