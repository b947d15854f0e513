-- The rolling five minutes of the first example: a total over a filter.
SELECT user_id, ts, total FROM (
  SELECT *, SUM(amount) OVER (PARTITION BY user_id ORDER BY ts
    RANGE BETWEEN INTERVAL '5' MINUTE PRECEDING AND CURRENT ROW) AS total FROM purchases_in_time)
WHERE total > 10000
