-- JSON_VALUE and JSON_EXISTS by path, with types and defaults, over texts that are not JSON.
SELECT id, JSON_VALUE(j, '$.a') AS a, JSON_VALUE(j, '$.b.c[0]') AS c0, JSON_VALUE(j, '$.b.c[2].d') AS d, JSON_VALUE(j, '$.s') AS s, JSON_VALUE(j, '$.n') AS n,
  JSON_VALUE(j, '$[1]') AS at_1, JSON_VALUE(j, 'lax $.nope') AS nope, JSON_EXISTS(j, '$.a') AS has_a, JSON_EXISTS(j, '$.b.c') AS has_c,
  JSON_VALUE(j, '$.b') AS an_object, j IS JSON AS valid, j IS JSON OBJECT AS is_object, j IS JSON ARRAY AS is_array, j IS NOT JSON AS invalid
FROM texts
