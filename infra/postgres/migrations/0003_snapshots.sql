-- Folded states of long streams, so that they need not be folded from their first event. Derived
-- from the log, disposable, and after a crash empty: not worth write-ahead log.
-- made_by: digest of the code that folded it. state: sealed, see infra/pipeline/snapshots.py.
CREATE UNLOGGED TABLE snapshots (
    stream text COLLATE "C" NOT NULL PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    made_by bytea NOT NULL,
    state bytea NOT NULL
);
-- It is compressed already.
ALTER TABLE snapshots ALTER COLUMN state SET STORAGE EXTERNAL;
