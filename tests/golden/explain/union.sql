-- Two tables united in front of one window, whose results leave on arrival.
CREATE TABLE trades (
  symbol VARCHAR(8), price DECIMAL(10, 2), quantity INT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'trades.csv', 'format' = 'csv');
CREATE TABLE bids WITH ('connector' = 'nexmark', 'stream' = 'bid', 'events' = '1000');
SELECT name, TUMBLE_END(ts, INTERVAL '1' MINUTE) AS until, COUNT(*) AS n FROM (
  SELECT symbol AS name, ts FROM trades UNION ALL SELECT channel, `dateTime` FROM bids)
GROUP BY name, TUMBLE(ts, INTERVAL '1' MINUTE)
EMIT ON ARRIVAL;
