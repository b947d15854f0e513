-- Where 38 digits do not suffice the scale gives way.
SELECT id, h + e AS add_he, h - a AS sub_ha, h * c AS mul_hc, h * a AS mul_ha, h / NULLIF(b, 0) AS div_hb, e / NULLIF(h, 0) AS div_eh
FROM numbers
