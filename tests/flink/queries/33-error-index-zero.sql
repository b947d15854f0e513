-- Arrays begin at 1.
SELECT id, tags[0] AS nothing FROM nested
