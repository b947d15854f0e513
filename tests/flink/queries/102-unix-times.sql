-- Seconds and milliseconds since the epoch, in and out.
SELECT id, UNIX_TIMESTAMP(CAST(CAST(t1 AS TIMESTAMP(0)) AS STRING)) AS u, FROM_UNIXTIME(id * 100000) AS f, FROM_UNIXTIME(id * 100000, 'yyyy/MM/dd HH') AS fp, TO_TIMESTAMP_LTZ(id * 12345678, 3) AS l3, TO_TIMESTAMP_LTZ(-id, 0) AS l0,
  CONVERT_TZ(CAST(CAST(t1 AS TIMESTAMP(0)) AS STRING), 'UTC', 'America/Los_Angeles') AS la
FROM moments
WHERE t1 >= TIMESTAMP '1970-01-02 00:00:00'
