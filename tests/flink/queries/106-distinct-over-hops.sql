-- DISTINCT aggregates where rows are in several windows.
SELECT window_start, window_end, COUNT(DISTINCT symbol) AS symbols, COUNT(DISTINCT quantity) AS quantities, COUNT(*) AS n
FROM TABLE(HOP(TABLE trades, DESCRIPTOR(ts), INTERVAL '30' SECOND, INTERVAL '90' SECOND))
GROUP BY window_start, window_end
