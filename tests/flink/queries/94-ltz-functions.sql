-- What a point in time is in Shanghai: text, parts, casts, arithmetic.
SET 'table.local-time-zone' = 'Asia/Shanghai';
SELECT id, z, CAST(z AS STRING) AS text, CAST(z AS TIMESTAMP(3)) AS wall, CAST(z AS DATE) AS d, DATE_FORMAT(z, 'yyyy-MM-dd HH:mm') AS formatted,
  EXTRACT(HOUR FROM z) AS h, z + INTERVAL '1' DAY AS next_day, CAST(t1 AS TIMESTAMP_LTZ(3)) AS as_point, z > t1 AS later, TO_TIMESTAMP_LTZ(id * 1000000, 0) AS made
FROM moments
WHERE z >= TO_TIMESTAMP_LTZ(0, 0)
