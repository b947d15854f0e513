-- Running totals from the first row on, by range and by rows.
SELECT k, v, ts, SUM(v) OVER (PARTITION BY k ORDER BY ts) AS so_far, COUNT(*) OVER (PARTITION BY k ORDER BY ts) AS n
FROM sparse
