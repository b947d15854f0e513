-- Two INSERTs read one table once; sessions, and grouping sets.
CREATE TABLE trades (
  symbol VARCHAR(8), price DECIMAL(10, 2), quantity INT, ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = 'trades.csv', 'format' = 'csv');
CREATE TABLE visits (symbol STRING, since TIMESTAMP(3), n BIGINT) WITH ('connector' = 'blackhole');
CREATE TABLE totals (symbol STRING, until TIMESTAMP(3), volume INT) WITH ('connector' = 'blackhole');
EXECUTE STATEMENT SET BEGIN;
INSERT INTO visits SELECT symbol, window_start, COUNT(DISTINCT price)
  FROM TABLE(SESSION(TABLE trades PARTITION BY symbol, DESCRIPTOR(ts), INTERVAL '30' SECOND))
  GROUP BY symbol, window_start, window_end;
INSERT INTO totals SELECT symbol, window_end, SUM(quantity)
  FROM TABLE(CUMULATE(TABLE trades, DESCRIPTOR(ts), INTERVAL '10' SECOND, INTERVAL '1' MINUTE))
  GROUP BY window_start, window_end, ROLLUP (symbol);
END;
