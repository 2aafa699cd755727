-- Who works on which case until when: one row a claim that nobody has ended yet, written in the
-- transaction of its events. The case's stream is the truth; this is where draws and the sweeper
-- look.
CREATE TABLE leases (
    stream text COLLATE "C" NOT NULL PRIMARY KEY,
    platform text NOT NULL,
    shop text NOT NULL,
    agent text COLLATE "C" NOT NULL,
    token bigint NOT NULL CHECK (token > 0),
    claimed_at timestamptz NOT NULL,
    until timestamptz NOT NULL,
    position bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN leases.token IS 'how many claims the case had had with this one';
COMMENT ON COLUMN leases.until IS 'once past, the row holds nothing; the sweeper records the end';
COMMENT ON COLUMN leases.position IS 'of the event that gave or renewed it';
CREATE INDEX leases_by_until ON leases (until);
CREATE INDEX leases_by_agent ON leases (agent);
