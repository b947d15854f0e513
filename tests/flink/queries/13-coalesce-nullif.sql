-- COALESCE, NULLIF, IFNULL, IF, GREATEST and LEAST with NULLs, and the types that come out.
SELECT id, COALESCE(i, g, 0) AS first_known, COALESCE(a, i) AS mixed, NULLIF(g, 5) AS not_five, IFNULL(i, -1) AS i_or,
  IF(i > 0, 'pos', 'neg') AS sign_text, GREATEST(i, g) AS most, LEAST(i, g) AS least, GREATEST(a, b) AS most_decimal
FROM numbers
WHERE id < 60
