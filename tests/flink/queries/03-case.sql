-- CASE in both forms: the common type of its branches, and NULL where there is no ELSE.
SELECT id,
  CASE WHEN temperature > 25 THEN 'hot' WHEN temperature < 10 THEN 'cold' ELSE 'mild' END AS feels,
  CASE id WHEN 1 THEN 10 WHEN 2 THEN 2.5 END AS mixed,
  CASE WHEN ok THEN humidity ELSE temperature END AS reading,
  CASE WHEN ok IS NULL THEN -1 WHEN ok THEN 1 ELSE 0 END AS state
FROM sensors
