-- ROUND, FLOOR, CEIL, TRUNCATE, ABS and SIGN of decimals, and casts that round half up.
SELECT id, ROUND(c, 0) AS r0, ROUND(c, 1) AS r1, ROUND(c, 2) AS r2, ROUND(a, -1) AS rm1, FLOOR(c) AS fl, CEIL(c) AS ce,
  TRUNCATE(c, 1) AS tr, ABS(c) AS ab, SIGN(c) AS si, CAST(c AS DECIMAL(5, 1)) AS c1, CAST(c AS DECIMAL(3, 0)) AS c0,
  CAST(c AS INT) AS ci, CAST(c AS BIGINT) AS cb, CAST(c AS DOUBLE) AS cd, CAST(c AS STRING) AS cs
FROM numbers
