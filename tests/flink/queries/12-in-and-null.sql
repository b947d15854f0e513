-- IN and NOT IN with NULL on either side.
SELECT id, g, g IN (1, 2, 3, NULL) AS in_null, g NOT IN (1, 2, 3) AS not_in, g NOT IN (1, NULL) AS not_in_null,
  a IN (1.5, 2) AS decimal_in, CAST(g AS STRING) IN ('1', '2') AS text_in
FROM numbers
