-- Rows written in the query, of which the columns find their common types.
SELECT a, b, c, a + b AS total FROM (VALUES (1, 2.5, 'x'), (20, 3, 'longer'), (CAST(NULL AS INT), 10.25, 'y')) AS t (a, b, c)
