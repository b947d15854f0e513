-- A decimal divided by zero ends the job.
SELECT id, a / b AS quotient FROM numbers
