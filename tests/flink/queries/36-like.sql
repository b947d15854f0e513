-- LIKE, with and without ESCAPE, SIMILAR TO; NULL on both sides.
SELECT id, s LIKE '%a%' AS has_a, s LIKE '_a%' AS second_a, s LIKE p AS by_column, s NOT LIKE 'a%' AS not_a, s LIKE '%\%' AS backslash, s LIKE '%!%%' ESCAPE '!' AS per_cent,
  s LIKE '%!_%' ESCAPE '!' AS underscore, s LIKE '' AS is_empty, s SIMILAR TO '[a-z]+' AS lower_only, s LIKE 'ÄÖ%' AS umlauts
FROM texts
