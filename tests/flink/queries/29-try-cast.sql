-- TRY_CAST of texts of which most do not parse.
SELECT id, t, TRY_CAST(t AS INT) AS i, TRY_CAST(t AS BIGINT) AS l, TRY_CAST(t AS DOUBLE) AS d, TRY_CAST(t AS DECIMAL(5, 1)) AS decimal_form,
  TRY_CAST(t AS BOOLEAN) AS b, TRY_CAST(t AS DATE) AS dt, TRY_CAST(t AS TIMESTAMP(3)) AS ts
FROM texts
