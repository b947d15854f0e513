-- Lengths, case, trimming and parts of texts, with letters beyond ASCII and NULL.
SELECT id, CHAR_LENGTH(s) AS len, UPPER(s) AS up, LOWER(s) AS low, TRIM(s) AS trimmed, LTRIM(s) AS l, RTRIM(s) AS r, SUBSTRING(s, 2, 3) AS mid,
  SUBSTRING(s, n) AS from_n, SUBSTRING(s FROM 3) AS tail, `LEFT`(s, 2) AS l2, `RIGHT`(s, 2) AS r2, REVERSE(s) AS backward, s || '/' || t AS joined,
  CONCAT(s, '-', t) AS concatenated, CONCAT_WS(', ', s, t, p) AS listed, REPEAT(t, 2) AS twice
FROM texts
