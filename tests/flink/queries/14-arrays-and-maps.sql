-- Arrays, maps and rows as results, and functions that make them.
SELECT id, tags, nums, attrs, place, ARRAY_CONTAINS(nums, 8) AS has_8, ARRAY[id, id + 1] AS made, MAP['id', id, 'twice', id * 2] AS made_map, ROW(id, 'x') AS made_row,
  ARRAY_DISTINCT(nums) AS different, ARRAY_REVERSE(nums) AS backward, CAST(nums AS STRING) AS as_text, ARRAY_JOIN(tags, '+') AS joined
FROM nested
