-- DOUBLE and FLOAT: + - * / and the functions of reals.
SELECT id, x + y AS add_xy, x - y AS sub_xy, x * y AS mul_xy, x / y AS div_xy, f + x AS add_fx, f * 2 AS f_twice, f + f AS add_ff,
  SQRT(ABS(x)) AS root, POWER(y, 2) AS square, EXP(y) AS e_to_y, LN(ABS(y)) AS ln_y, LOG10(ABS(y)) AS log_y, ROUND(x, 2) AS r2,
  FLOOR(x) AS fl, CEIL(x) AS ce, ABS(x) AS ab, SIGN(x) AS si
FROM numbers
