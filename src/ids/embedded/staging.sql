-- What an import read, in the order it was read. A temporary table: it is in nobody's way and goes with its connection.
CREATE TEMP TABLE staged (
    place        INTEGER PRIMARY KEY,
    file         INTEGER NOT NULL,
    row          INTEGER NOT NULL,
    external     TEXT NOT NULL,
    organization BLOB NOT NULL,
    canonical    BLOB NOT NULL
) STRICT;
