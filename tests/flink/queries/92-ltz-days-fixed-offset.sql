-- Days in a zone of a fixed offset, as legacy hops of twelve hours.
SET 'table.local-time-zone' = 'GMT-08:00';
SELECT HOP_START(ts, INTERVAL '12' HOUR, INTERVAL '1' DAY) AS ws, HOP_END(ts, INTERVAL '12' HOUR, INTERVAL '1' DAY) AS we, HOP_ROWTIME(ts, INTERVAL '12' HOUR, INTERVAL '1' DAY) AS wt,
  COUNT(*) AS n, SUM(amount) AS total
FROM purchases
GROUP BY HOP(ts, INTERVAL '12' HOUR, INTERVAL '1' DAY)
