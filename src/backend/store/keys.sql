-- What was answered to calls that are to be done once, for as long as somebody may ask again.
CREATE TABLE answers_by_key (
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key         TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 600),
    -- Of what was asked, so that a key cannot be used for something else.
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    status      INTEGER NOT NULL CHECK (status BETWEEN 200 AND 299),
    headers     TEXT NOT NULL CHECK (json_type(headers) = 'object'),
    document    TEXT CHECK (json_valid(document)),
    answered_at TEXT NOT NULL CHECK (length(answered_at) = 24),
    PRIMARY KEY (user_id, key)
) STRICT;

CREATE INDEX answers_by_key_by_age ON answers_by_key (answered_at);
