-- FIRST_VALUE and LAST_VALUE of a window, where rows come in order and times differ.
SELECT g > 0 AS positive, window_start, FIRST_VALUE(id) AS first_id, LAST_VALUE(id) AS last_id, FIRST_VALUE(a) AS first_a, LAST_VALUE(a) AS last_a
FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '15' SECOND))
GROUP BY g > 0, window_start, window_end
