-- Decimals of different scales, whole numbers and reals side by side.
SELECT id, a, c, a > c AS a_c, a = b AS a_b, a > i AS a_i, a <= 100 AS a_100, a BETWEEN b AND 500.005 AS between_them, c = 0.5 AS half, h > e AS h_e, a > x AS a_x, x > i AS x_i, l > a AS l_a, LEAST(a, b) AS least
FROM numbers
