-- What is met, by day.
CREATE TABLE met (
    day   INTEGER NOT NULL,
    part  INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, part)
) STRICT, WITHOUT ROWID;
