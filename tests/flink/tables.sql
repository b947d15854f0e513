-- The inputs that all queries share. ${DATA} is the folder with the files of generate.py.

-- Half an hour of trades with a gap of twelve minutes; ties, NULLs, and rows that are later than the watermark.
CREATE TABLE trades (
  symbol STRING,
  price DECIMAL(10, 2),
  quantity BIGINT,
  venue STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = '');

-- The watermark is the newest time itself; nights end within.
CREATE TABLE sensors (
  id INT,
  temperature DOUBLE,
  humidity FLOAT,
  ok BOOLEAN,
  note STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/sensors.csv', 'format' = 'csv', 'csv.null-literal' = '');

-- Points in time, over five days in March 2024.
CREATE TABLE purchases (
  user_id STRING,
  amount DECIMAL(12, 2),
  ts TIMESTAMP_LTZ(3),
  WATERMARK FOR ts AS ts - INTERVAL '5' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/purchases.jsonl', 'format' = 'json', 'json.timestamp-format.standard' = 'SQL');

-- From 1901 to 2020 and on: long gaps, and times before 1970.
CREATE TABLE sparse (
  k STRING,
  v BIGINT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/sparse.csv', 'format' = 'csv', 'csv.null-literal' = '');

-- Rows at the edges of windows of 10 s, in time and late by a millisecond.
CREATE TABLE edges (
  k STRING,
  v INT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/edges.csv', 'format' = 'csv', 'csv.null-literal' = '');

-- Operands. The first 60 rows are small, so that nothing overflows. l, b and i are zero here and there.
CREATE TABLE numbers (
  id INT,
  g INT,
  t TINYINT,
  s SMALLINT,
  i INT,
  l BIGINT,
  a DECIMAL(10, 2),
  b DECIMAL(10, 2),
  c DECIMAL(5, 3),
  e DECIMAL(20, 10),
  h DECIMAL(38, 18),
  x DOUBLE,
  y DOUBLE,
  f FLOAT,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/numbers.csv', 'format' = 'csv', 'csv.null-literal' = '');

-- Dates and times from 1900 to 2100, and texts of them in several forms.
CREATE TABLE moments (
  id INT,
  d DATE,
  t TIME(0),
  t1 TIMESTAMP(3),
  t2 TIMESTAMP(3),
  n TIMESTAMP(9),
  z TIMESTAMP_LTZ(3),
  s STRING
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/moments.csv', 'format' = 'csv', 'csv.null-literal' = '');

-- Texts, patterns, small numbers and JSON, with empty strings.
CREATE TABLE texts (
  id INT,
  s STRING,
  t STRING,
  p STRING,
  n INT,
  j STRING
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/texts.jsonl', 'format' = 'json');

-- The ends of each type, zero, NULL and something plain.
CREATE TABLE values_of_all_types (
  id INT,
  b BOOLEAN,
  i8 TINYINT,
  i16 SMALLINT,
  i32 INT,
  i64 BIGINT,
  f32 FLOAT,
  f64 DOUBLE,
  d10 DECIMAL(10, 2),
  d38 DECIMAL(38, 10),
  d18 DECIMAL(18, 0),
  s STRING,
  c5 CHAR(5),
  v10 VARCHAR(10),
  bin BYTES,
  d DATE,
  t TIME,
  t3 TIME(3),
  ts0 TIMESTAMP(0),
  ts3 TIMESTAMP(3),
  ts6 TIMESTAMP(6),
  ts9 TIMESTAMP(9),
  z3 TIMESTAMP_LTZ(3),
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/values_of_all_types.csv', 'format' = 'csv', 'csv.null-literal' = '');

-- Arrays, maps and rows, each of them NULL or with NULLs inside here and there.
CREATE TABLE nested (
  id INT,
  tags ARRAY<STRING>,
  nums ARRAY<INT>,
  attrs MAP<STRING, INT>,
  place ROW<city STRING, geo ROW<lat DOUBLE, lon DOUBLE>>,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/nested.jsonl', 'format' = 'json', 'json.timestamp-format.standard' = 'SQL');

-- The trades and purchases once more, with watermarks so far behind that nothing is late: what OVER does with late rows
-- depends on the function, and only some queries judge that.
CREATE TABLE trades_in_time (
  symbol STRING,
  price DECIMAL(10, 2),
  quantity BIGINT,
  venue STRING,
  ts TIMESTAMP(3),
  WATERMARK FOR ts AS ts - INTERVAL '2' MINUTE
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/trades.csv', 'format' = 'csv', 'csv.null-literal' = '');

CREATE TABLE purchases_in_time (
  user_id STRING,
  amount DECIMAL(12, 2),
  ts TIMESTAMP_LTZ(3),
  WATERMARK FOR ts AS ts - INTERVAL '3' DAY
) WITH ('connector' = 'filesystem', 'path' = '${DATA}/purchases.jsonl', 'format' = 'json', 'json.timestamp-format.standard' = 'SQL');
