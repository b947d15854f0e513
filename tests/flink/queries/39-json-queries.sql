-- JSON_QUERY, JSON_OBJECT, JSON_ARRAY and JSON_STRING.
SELECT id, JSON_QUERY(j, '$.b') AS b, JSON_QUERY(j, '$.b.c') AS c, JSON_QUERY(j, '$.a') AS scalar_a, JSON_QUERY(j, '$.a' WITH WRAPPER) AS wrapped,
  JSON_OBJECT('s' VALUE t, 'n' VALUE n) AS obj, JSON_OBJECT('s' VALUE t, 'n' VALUE n ABSENT ON NULL) AS obj_absent, JSON_ARRAY(n, t) AS arr,
  JSON_ARRAY(n, t NULL ON NULL) AS arr_null, JSON_STRING(s) AS quoted, JSON_STRING(n) AS number_text
FROM texts
