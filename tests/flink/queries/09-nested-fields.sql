-- Fields of rows, elements of arrays and maps, with NULL at each level.
SELECT id, t.place.city AS city, t.place.geo.lat AS lat, t.place.geo IS NULL AS nowhere, tags[1] AS first_tag, tags[9] AS ninth, nums[2] AS second_num, attrs['x'] AS x, attrs['nope'] AS nope,
  CARDINALITY(tags) AS n_tags, CARDINALITY(attrs) AS n_attrs
FROM nested AS t
