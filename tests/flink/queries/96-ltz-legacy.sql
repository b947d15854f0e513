-- Legacy windows of points in time: days in Shanghai.
SET 'table.local-time-zone' = 'Asia/Shanghai';
SELECT TUMBLE_START(ts, INTERVAL '1' DAY) AS ws, TUMBLE_END(ts, INTERVAL '1' DAY) AS we, TUMBLE_ROWTIME(ts, INTERVAL '1' DAY) AS wt, COUNT(*) AS n
FROM purchases
GROUP BY TUMBLE(ts, INTERVAL '1' DAY)
