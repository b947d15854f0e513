-- Where a text is in another; replacement, padding, splitting.
SELECT id, POSITION('e' IN s) AS pos, LOCATE('a', s) AS loc, LOCATE('a', s, 3) AS loc3, INSTR(s, 'w') AS ins, REPLACE(s, 'a', '<A>') AS rep, LPAD(t, 6, '*+') AS lp,
  RPAD(t, 6, '*+') AS rp, SPLIT_INDEX(s, ' ', 1) AS second_word, OVERLAY(s PLACING '##' FROM 2 FOR 1) AS laid, INITCAP(s) AS cap, ASCII(t) AS code,
  CHR(n + 64) AS chr_n, STARTSWITH(s, 'a') AS a_first, ENDSWITH(s, 'm') AS m_last, TRIM(BOTH 'a' FROM t) AS no_a, TRIM(LEADING 'x' FROM t) AS no_x, TRANSLATE(s, 'abc', 'AB') AS tr
FROM texts
