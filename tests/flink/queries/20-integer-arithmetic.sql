-- Whole numbers of all widths: + - * / %, unary minus, MOD, ABS, SIGN; / and % cut toward zero.
SELECT id, g + i AS add_int, g - t AS sub_tiny, s * 3 AS mul_small, l + i AS add_big, g / 7 AS div_int, g % 7 AS rem_int,
  MOD(g, -7) AS mod_neg, -g AS minus_g, ABS(g) AS abs_g, SIGN(g) AS sign_g, l / 1000 AS div_big, t / 3 AS div_tiny, s % 10 AS rem_small
FROM numbers
WHERE id < 60
