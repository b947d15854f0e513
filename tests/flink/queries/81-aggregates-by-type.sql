-- SUM, AVG, MIN and MAX of each type of number, with the types that come out.
SELECT window_start, SUM(g) AS s_int, AVG(g) AS a_int, SUM(l) AS s_big, AVG(l) AS a_big, SUM(c) AS s_dec, AVG(c) AS a_dec, AVG(e) AS a_dec10, SUM(h) AS s_dec18, AVG(h) AS a_dec18,
  MIN(t) AS least_t, MAX(s) AS most_s, SUM(x) AS s_dbl, AVG(x) AS a_dbl, MIN(f) AS least_f, MAX(f) AS most_f, COUNT(a) AS n_a
FROM TABLE(TUMBLE(TABLE numbers, DESCRIPTOR(ts), INTERVAL '10' SECOND))
GROUP BY window_start, window_end
