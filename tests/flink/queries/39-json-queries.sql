-- JSON_QUERY and JSON_STRING.
SELECT id, JSON_QUERY(j, '$.b') AS b, JSON_QUERY(j, '$.b.c') AS c, JSON_QUERY(j, '$.a') AS scalar_a, JSON_QUERY(j, '$.a' WITH WRAPPER) AS wrapped,
  JSON_STRING(s) AS quoted, JSON_STRING(n) AS number_text
FROM texts
