-- NaN and the infinities: division by zero, comparisons, casts to text.
SELECT id, x / 0 AS by_zero, SQRT(x) AS root, LN(x) AS ln_x, CAST(x / 0 AS STRING) AS text, x / 0 > 1 AS above, x / 0 = x / 0 AS self_same,
  POWER(x, 0.5) AS powered, CAST(x AS FLOAT) AS narrow, CAST(x AS STRING) AS x_text, CAST(f AS STRING) AS f_text
FROM numbers
