-- A rolling sum, and a filter behind it.
CREATE TABLE purchases (
  user_id STRING, amount DECIMAL(12, 2), ts TIMESTAMP_LTZ(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' MINUTE
) WITH ('connector' = 'filesystem', 'path' = 'purchases.jsonl', 'format' = 'json');
CREATE TABLE alerts (user_id STRING, ts TIMESTAMP_LTZ(3), total DECIMAL(12, 2))
  WITH ('connector' = 'filesystem', 'path' = 'out/', 'format' = 'csv');
INSERT INTO alerts
SELECT user_id, ts, total FROM (
  SELECT *, SUM(amount) OVER (PARTITION BY user_id ORDER BY ts
    RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW) AS total FROM purchases)
WHERE total > 10000;
