-- A cast of a text that is no number ends the job.
SELECT id, CAST(s AS INT) AS n FROM texts
