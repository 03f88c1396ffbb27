-- What cards mean: the vectors of a sentence encoder, made once for all workers, by the digest of
-- the card and the encoder that read it.
CREATE TABLE card_semantic(
  card_sha256 TEXT NOT NULL CHECK(length(card_sha256) = 43),
  embedder TEXT NOT NULL,
  -- One after the other; each has as many bytes as the encoder has dimensions.
  vectors BLOB NOT NULL CHECK(length(vectors) BETWEEN 1 AND 65536),
  at INTEGER NOT NULL,
  PRIMARY KEY(embedder, card_sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX card_digest ON card(card_sha256);
CREATE INDEX card_semantic_at ON card_semantic(at);
