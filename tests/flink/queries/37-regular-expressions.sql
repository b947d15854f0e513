-- REGEXP and its kin, by constant patterns and by patterns from a column.
SELECT id, REGEXP(s, '[0-9]+') AS digits, REGEXP(s, p) AS by_column, REGEXP_EXTRACT(s, '([a-z]+)([^a-z]*)', 2) AS grp2, REGEXP_EXTRACT(s, '[aeiou]+') AS vowels,
  REGEXP_EXTRACT(s, p) AS whole, REGEXP_REPLACE(s, '[aeiou]', '*') AS starred, REGEXP_REPLACE(s, '\s+', ' ') AS spaced, REGEXP_COUNT(s, '[a-z]') AS n_lower
FROM texts
