-- Comparisons with NULL are NULL; IS [NOT] DISTINCT FROM is not; WHERE takes what is true only.
SELECT id, i, g, i = g AS eq, i <> g AS ne, i < g AS lt, i IS DISTINCT FROM g AS differs, i IS NOT DISTINCT FROM g AS same,
  i IS NULL AS no_i, i BETWEEN -5 AND g AS between_them
FROM numbers
WHERE NOT (i > 15)
