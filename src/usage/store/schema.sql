-- What can be used or met of dialects, by the numbers that the tables below have.
CREATE TABLE parts (
    number    INTEGER PRIMARY KEY,
    dialect   TEXT NOT NULL,
    operation TEXT NOT NULL,
    kind      TEXT NOT NULL,
    field     TEXT NOT NULL,
    value     TEXT NOT NULL
) STRICT;

-- Who used which of them. A row is written over when another use takes its place, so that there are never more rows than
-- the table in memory has room for. Times are seconds since 1970.
CREATE TABLE uses (
    row_number INTEGER PRIMARY KEY,
    principal  BLOB NOT NULL CHECK (length(principal) = 16),
    part       INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    error      INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL
) STRICT;

-- What the programs call themselves that did; `part` is a dialect.
CREATE TABLE clients (
    row_number INTEGER PRIMARY KEY,
    principal  BLOB NOT NULL CHECK (length(principal) = 16),
    part       INTEGER NOT NULL,
    client     TEXT NOT NULL,
    count      INTEGER NOT NULL,
    error      INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL
) STRICT;

-- How many requests there were on which day since 1970; `part` is a dialect.
CREATE TABLE days (
    day        INTEGER NOT NULL,
    row_number INTEGER NOT NULL,
    principal  BLOB NOT NULL CHECK (length(principal) = 16),
    part       INTEGER NOT NULL,
    count      INTEGER NOT NULL,
    error      INTEGER NOT NULL,
    first      INTEGER NOT NULL,
    last       INTEGER NOT NULL,
    PRIMARY KEY (day, row_number)
) STRICT, WITHOUT ROWID;

-- How often which part was met on which day since 1970: how comparisons ended, where the sides differ, declared losses.
CREATE TABLE met (
    day   INTEGER NOT NULL,
    part  INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, part)
) STRICT, WITHOUT ROWID;

-- What each table says of itself: `uses`, `clients`, and `days` and `met` by day. The total of `lost-uses`, `lost-clients` and
-- `lost-days` is how many requests were not counted there, and that of `strayed-uses` and so on how many a process answered that
-- had lost the file to the one that writes it.
CREATE TABLE totals (
    name   TEXT NOT NULL,
    day    INTEGER NOT NULL,
    total  INTEGER NOT NULL,
    missed INTEGER NOT NULL,
    PRIMARY KEY (name, day)
) STRICT, WITHOUT ROWID;

-- Since when it counts, when it was last written, and which process does; before that and a blank, the one that is about to.
CREATE TABLE kept (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    since   INTEGER NOT NULL,
    written INTEGER NOT NULL,
    writer  TEXT NOT NULL
) STRICT;
