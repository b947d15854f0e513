-- Texts in several forms to dates and times, and back by a pattern.
SELECT id, TO_DATE(s) AS d0, TO_TIMESTAMP(s) AS t0, CASE WHEN s LIKE '%/%' THEN TO_TIMESTAMP(s, 'dd/MM/yyyy') END AS t3, DATE_FORMAT(t1, 'yyyy-MM-dd HH:mm:ss.SSS') AS whole,
  DATE_FORMAT(t1, 'dd.MM.yy') AS german, DATE_FORMAT(t1, 'yyyyMMddHHmmss') AS packed, CAST(t1 AS STRING) AS ts_text, CAST(d AS STRING) AS d_text, CAST(t AS STRING) AS t_text, CAST(n AS STRING) AS n_text
FROM moments
WHERE CHAR_LENGTH(s) > 0
