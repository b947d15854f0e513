-- Names in backticks: reserved words, spaces, and case that counts.
SELECT `symbol` AS `select`, `price` AS `The Price`, quantity AS `Q`, quantity + 1 AS `q` FROM trades AS `t` WHERE `t`.`venue` = 'XNAS'
