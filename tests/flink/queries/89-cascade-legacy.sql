-- A legacy window upon the row time of another.
SELECT TUMBLE_START(wt, INTERVAL '5' MINUTE) AS ws, SUM(n) AS n, MAX(total) AS best
FROM (SELECT TUMBLE_ROWTIME(ts, INTERVAL '1' MINUTE) AS wt, COUNT(*) AS n, SUM(price) AS total FROM trades GROUP BY TUMBLE(ts, INTERVAL '1' MINUTE), venue)
GROUP BY TUMBLE(wt, INTERVAL '5' MINUTE)
