-- Three-valued AND, OR, NOT and the IS tests of truth values.
SELECT id, ok, temperature > 20 AS warm,
  ok AND temperature > 20 AS both_hold, ok OR temperature > 20 AS either_holds, NOT ok AS not_ok,
  ok IS TRUE AS is_t, ok IS NOT TRUE AS is_nt, ok IS FALSE AS is_f, ok IS NOT FALSE AS is_nf,
  ok IS UNKNOWN AS is_u, ok IS NOT UNKNOWN AS is_nu
FROM sensors
