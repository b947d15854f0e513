-- Each type as it comes, with its ends and NULL.
SELECT * FROM values_of_all_types
