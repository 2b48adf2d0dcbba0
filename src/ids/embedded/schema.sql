-- Which ids there are: those of one kind of one dialect know nothing of all others.
CREATE TABLE kinds (
    id      INTEGER PRIMARY KEY,
    dialect TEXT NOT NULL,
    name    TEXT NOT NULL,
    UNIQUE (dialect, name)
) STRICT;

-- Every pair stands in both tables, so that it is found from either half, and that neither half is ever given twice. An
-- organization is a UUID, or empty for a pair that holds in all of them.
CREATE TABLE by_external (
    kind         INTEGER NOT NULL REFERENCES kinds,
    external     TEXT NOT NULL CHECK (external <> ''),
    organization BLOB NOT NULL CHECK (length(organization) IN (0, 16)),
    canonical    BLOB NOT NULL CHECK (length(canonical) = 16),
    PRIMARY KEY (kind, external, organization)
) STRICT, WITHOUT ROWID;

CREATE TABLE by_canonical (
    kind         INTEGER NOT NULL REFERENCES kinds,
    canonical    BLOB NOT NULL CHECK (length(canonical) = 16),
    organization BLOB NOT NULL CHECK (length(organization) IN (0, 16)),
    external     TEXT NOT NULL CHECK (external <> ''),
    PRIMARY KEY (kind, canonical, organization)
) STRICT, WITHOUT ROWID;
