-- A decimal with a whole number, with a literal and with a DOUBLE.
SELECT id, a + 1 AS plus_int, a * i AS times_int, a + l AS plus_big, a / 3 AS third, 10 / a AS tenth, a * 1.5 AS literal_mul,
  0.1 + 0.2 AS literals, a + x AS plus_double, a * t AS times_tiny, -a AS minus_a, a % 3 AS rem
FROM numbers
WHERE id < 60 AND a <> 0
