-- LISTAGG in the order of arrival, with both separators, without NULL.
SELECT window_start, LISTAGG(symbol) AS symbols, LISTAGG(venue, ' | ') AS venues, LISTAGG(CAST(quantity AS STRING), '+') FILTER (WHERE quantity > 100) AS big_ones
FROM TABLE(TUMBLE(TABLE trades, DESCRIPTOR(ts), INTERVAL '30' SECOND))
GROUP BY window_start, window_end
