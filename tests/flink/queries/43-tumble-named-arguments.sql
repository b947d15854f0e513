-- Arguments by name, in another order, with an offset.
SELECT symbol, window_start, window_end, SUM(price * quantity) AS notional
FROM TABLE(TUMBLE(DATA => TABLE trades, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '2' MINUTE, `OFFSET` => INTERVAL '15' SECOND))
GROUP BY symbol, window_start, window_end
