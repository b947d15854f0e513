-- Precision and scale of + - * / % of decimals.
SELECT id, a + b AS add_ab, a - b AS sub_ab, a * b AS mul_ab, a / NULLIF(b, 0) AS div_ab, MOD(a, NULLIF(b, 0)) AS mod_ab,
  a + c AS add_ac, a * c AS mul_ac, a / NULLIF(c, 0) AS div_ac, a + e AS add_ae, a * e AS mul_ae, e / NULLIF(b, 0) AS div_eb
FROM numbers
