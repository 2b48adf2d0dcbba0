-- What a search for pairs has seen so far. Temporary tables: they are in nobody's way and go with their connection, and what
-- does not fit into memory is on the disk.

-- The list that is being read, on either side. A key is a digest, or empty where nothing was told to know the record by.
CREATE TEMP TABLE theirs (
    part     INTEGER NOT NULL,
    key      BLOB NOT NULL,
    external TEXT NOT NULL,
    computed BLOB,
    PRIMARY KEY (part, key, external)
) STRICT, WITHOUT ROWID;
CREATE INDEX temp.theirs_by_id ON theirs (part, external);

CREATE TEMP TABLE ours (
    part      INTEGER NOT NULL,
    key       BLOB NOT NULL,
    canonical BLOB NOT NULL,
    PRIMARY KEY (part, key, canonical)
) STRICT, WITHOUT ROWID;
CREATE INDEX temp.ours_by_id ON ours (part, canonical);

-- Of that list: which are known to be the same, and how (1: by the map; 2: one is how the other is spelt), and which ids are
-- left under one key.
CREATE TEMP TABLE same (
    external TEXT NOT NULL, canonical BLOB NOT NULL, how INTEGER NOT NULL, PRIMARY KEY (external, canonical)
) STRICT, WITHOUT ROWID;
CREATE INDEX temp.same_by_canonical ON same (canonical);
CREATE TEMP TABLE lone (key BLOB NOT NULL, external TEXT, computed BLOB, canonical BLOB) STRICT;
CREATE INDEX temp.lone_by_key ON lone (key);

-- Of all lists: the ids of either side, and how those were known that have a counterpart (0: not).
CREATE TEMP TABLE seen (
    kind TEXT NOT NULL, side INTEGER NOT NULL, id ANY NOT NULL, met INTEGER NOT NULL, PRIMARY KEY (kind, side, id)
) STRICT, WITHOUT ROWID;

-- Pairs that were found by their keys. The round is the list that they were found in.
CREATE TEMP TABLE found (
    kind         TEXT NOT NULL,
    external     TEXT NOT NULL,
    canonical    BLOB NOT NULL,
    organization BLOB NOT NULL,
    computed     BLOB,
    round        INTEGER NOT NULL,
    PRIMARY KEY (kind, external, canonical, organization)
) STRICT, WITHOUT ROWID;
CREATE INDEX temp.found_by_canonical ON found (kind, canonical);
CREATE INDEX temp.found_by_round ON found (kind, round);

-- Keys that several records of one side have.
CREATE TEMP TABLE shared (
    place INTEGER PRIMARY KEY, groups INTEGER NOT NULL, kind TEXT NOT NULL, schema TEXT NOT NULL, organization BLOB NOT NULL,
    tag TEXT NOT NULL, external TEXT, canonical BLOB
) STRICT;

-- Records that other lists lie in.
CREATE TEMP TABLE scopes (
    place INTEGER PRIMARY KEY, parameter TEXT NOT NULL, external TEXT NOT NULL, canonical BLOB NOT NULL,
    UNIQUE (parameter, external, canonical)
) STRICT;

-- The kinds of the dialect, by the numbers that the map has for them.
CREATE TEMP TABLE known_kinds (name TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- What speaks against a pair that was found: another that claims one of its halves, the map, or a record of ours that is
-- called so where nobody gave it another id.
CREATE TEMP VIEW contradictions AS
    SELECT 'claimed' AS why, f.kind, f.external, f.canonical, f.organization, o.external AS other_external,
           o.canonical AS other_canonical
    FROM found AS f JOIN found AS o ON o.kind = f.kind AND o.external = f.external AND o.canonical <> f.canonical
         AND (o.organization = f.organization OR o.organization = x'' OR f.organization = x'')
    UNION ALL
    SELECT 'claimed', f.kind, f.external, f.canonical, f.organization, o.external, o.canonical
    FROM found AS f JOIN found AS o ON o.kind = f.kind AND o.canonical = f.canonical AND o.external <> f.external
         AND (o.organization = f.organization OR o.organization = x'' OR f.organization = x'')
    UNION ALL
    SELECT 'mapped', f.kind, f.external, f.canonical, f.organization, p.external, p.canonical
    FROM found AS f JOIN known_kinds AS k ON k.name = f.kind
         JOIN main.by_external AS p ON p.kind = k.id AND p.external = f.external AND p.canonical <> f.canonical
         AND (p.organization = f.organization OR p.organization = x'' OR f.organization = x'')
    UNION ALL
    SELECT 'mapped', f.kind, f.external, f.canonical, f.organization, p.external, p.canonical
    FROM found AS f JOIN known_kinds AS k ON k.name = f.kind
         JOIN main.by_canonical AS p ON p.kind = k.id AND p.canonical = f.canonical AND p.external <> f.external
         AND (p.organization = f.organization OR p.organization = x'' OR f.organization = x'')
    UNION ALL
    SELECT 'spelt', f.kind, f.external, f.canonical, f.organization, NULL, f.computed
    FROM found AS f JOIN seen AS s ON s.kind = f.kind AND s.side = 1 AND s.id = f.computed
    WHERE f.computed <> f.canonical;

-- Pairs that nothing speaks against, and that the map does not have.
CREATE TEMP VIEW fresh AS
    SELECT f.kind, f.external, f.canonical, f.organization, f.round FROM found AS f
    WHERE NOT EXISTS (
        SELECT 1 FROM contradictions AS c
        WHERE c.kind = f.kind AND c.external = f.external AND c.canonical = f.canonical
          AND c.organization = f.organization
    ) AND NOT EXISTS (
        SELECT 1 FROM known_kinds AS k JOIN main.by_external AS p ON p.kind = k.id
        WHERE k.name = f.kind AND p.external = f.external AND p.organization IN (f.organization, x'')
    );
