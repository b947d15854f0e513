-- Views upon views, with column names of their own.
CREATE TEMPORARY VIEW cheap AS SELECT symbol, price, ts FROM trades WHERE price < 60;
CREATE TEMPORARY VIEW renamed (ticker, cost, moment) AS SELECT symbol, price, ts FROM cheap;
SELECT ticker, cost, moment FROM renamed WHERE ticker LIKE '%A%'
