-- A whole number divided by zero ends the job.
SELECT id, g / (id - id) AS nothing FROM numbers WHERE g > 0
