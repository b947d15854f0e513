-- CASE, IF, COALESCE and NULLIF over mixed types and nested in one another.
SELECT id, CASE WHEN g > 50 THEN a WHEN g > 0 THEN i ELSE 0 END AS dec_int, CASE WHEN g > 0 THEN x ELSE a END AS dbl_dec, IF(g > 0, CASE WHEN i > 0 THEN 'both' ELSE 'g only' END, IF(i > 0, 'i only', 'none')) AS nested_if,
  COALESCE(NULLIF(i, g), NULLIF(g, 0), -999) AS picked, CASE g WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE CAST(g AS STRING) END AS named, COALESCE(CAST(i AS DECIMAL(12, 2)), a, 0.5) AS first_dec,
  CASE WHEN a > b THEN a WHEN b > a THEN b END AS most, g > 0 IS TRUE AS positive
FROM numbers
