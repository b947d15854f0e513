-- Keys that are expressions, and expressions over aggregates.
SELECT CASE WHEN price >= 200 THEN 'dear' WHEN price < 200 THEN 'cheap' END AS kind, window_start,
  SUM(price * quantity) / NULLIF(SUM(quantity), 0) AS vwap, COUNT(*) * 2 + 1 AS odd, MAX(price) - MIN(price) AS spread
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY CASE WHEN price >= 200 THEN 'dear' WHEN price < 200 THEN 'cheap' END, window_start, window_end
