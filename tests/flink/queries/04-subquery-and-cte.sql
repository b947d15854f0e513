-- Sub-queries in FROM and common table expressions, one upon another; a column that two levels rename.
WITH priced AS (SELECT symbol AS s, price * 2 AS doubled, quantity FROM trades WHERE price IS NOT NULL),
     big_ones AS (SELECT s AS symbol, doubled, quantity FROM priced WHERE quantity >= 100)
SELECT symbol, doubled AS price, total FROM (
  SELECT symbol, doubled, doubled * quantity AS total FROM big_ones WHERE symbol IS NOT NULL)
WHERE total > 40000
