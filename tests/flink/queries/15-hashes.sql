-- Digests and encodings, of NULL and of the empty text too.
SELECT id, MD5(s) AS md, SHA1(s) AS s1, SHA224(s) AS s224, SHA256(s) AS s256, SHA384(s) AS s384, SHA512(s) AS s512, SHA2(s, 256) AS s2, TO_BASE64(s) AS b64,
  FROM_BASE64(TO_BASE64(s)) AS back, HEX(s) AS hx, HEX(n) AS hn, BIN(n) AS bn
FROM texts
