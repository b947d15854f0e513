-- Angles and logarithms.
SELECT id, SIN(y) AS s, COS(y) AS c, TAN(y) AS t, ATAN(y) AS at1, ATAN2(y, 2) AS at2, ASIN(y / 100) AS asn, ACOS(y / 100) AS acs, SINH(y) AS sh,
  COSH(y) AS ch, TANH(y) AS th, DEGREES(y) AS de, RADIANS(y) AS ra, LOG(2, ABS(y)) AS l2b, LOG2(ABS(y)) AS l2, PI() AS p, E() AS e0, COT(y) AS ct
FROM numbers
WHERE id < 60
