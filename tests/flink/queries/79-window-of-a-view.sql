-- A window over a view with a filter and computed columns.
CREATE TEMPORARY VIEW notional AS SELECT UPPER(venue) AS v, price * quantity AS amount, ts FROM trades WHERE quantity > 0;
SELECT v, window_start, SUM(amount) AS total, MAX(amount) AS most
FROM TABLE(TUMBLE(TABLE notional, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
GROUP BY v, window_start, window_end
