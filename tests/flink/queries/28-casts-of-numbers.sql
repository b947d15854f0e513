-- Casts between numbers that fit, from text and to text.
SELECT id, CAST(g AS TINYINT) AS tiny, CAST(g AS SMALLINT) AS small, CAST(g AS BIGINT) AS big, CAST(g AS DOUBLE) AS dbl, CAST(g AS DECIMAL(8, 3)) AS decimal_form,
  CAST(CAST(a AS STRING) AS DECIMAL(8, 1)) AS round_trip, CAST(CAST(g AS STRING) AS INT) AS back, CAST(a AS DOUBLE) AS a_dbl, CAST(a AS INT) AS a_int,
  CAST(CASE WHEN ABS(x) < 1e9 THEN x END AS INT) AS x_int, CAST(g AS BOOLEAN) AS truth, CAST(g > 0 AS INT) AS as_bit, TRY_CAST(CAST(x AS STRING) AS INT) AS tried, CAST(b AS STRING) AS b_text
FROM numbers
WHERE id < 60
