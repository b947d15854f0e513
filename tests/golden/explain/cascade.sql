-- Windows over results of windows: one shard owns what both keys share.
CREATE TABLE trades (
  symbol VARCHAR(8), price DECIMAL(10, 2), quantity INT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'trades.csv', 'format' = 'csv');
SELECT symbol, window_end, MAX(volume) AS busiest FROM TABLE(TUMBLE((
    SELECT symbol, window_time, SUM(quantity) AS volume
    FROM TABLE(HOP(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' SECOND, INTERVAL '10' SECOND))
    GROUP BY symbol, window_start, window_end, window_time
  ), DESCRIPTOR(window_time), INTERVAL '1' MINUTE))
GROUP BY symbol, window_start, window_end;
