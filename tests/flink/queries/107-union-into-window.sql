-- A window over UNION ALL of one table's parts.
CREATE TEMPORARY VIEW parts AS
  SELECT symbol AS name, quantity AS q, ts FROM trades WHERE quantity >= 100 UNION ALL SELECT venue, -quantity, ts FROM trades WHERE quantity < 100;
SELECT name, window_start, COUNT(*) AS n, SUM(q) AS total
FROM TABLE(TUMBLE(TABLE parts, DESCRIPTOR(ts), INTERVAL '10' MINUTE))
GROUP BY name, window_start, window_end
