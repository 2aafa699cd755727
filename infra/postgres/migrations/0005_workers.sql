-- Who works, or worked lately, and how it goes: told by each process about once a second, beside
-- its work and never in its transactions. Disposable.

-- process: its id and host. member: its name in the group that reads from Kafka. beat_at: when it
-- was last told; turned_at: when the worker's loop came round; succeeded_at: its last batch.
-- standing: what does not move although more and more waits.
CREATE TABLE workers (
    id uuid NOT NULL PRIMARY KEY,
    worker text COLLATE "C" NOT NULL,
    process text NOT NULL,
    member text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at timestamptz NOT NULL,
    turned_at timestamptz,
    succeeded_at timestamptz,
    ended_at timestamptz,
    items bigint NOT NULL,
    retries bigint NOT NULL,
    counts jsonb NOT NULL,
    failing boolean NOT NULL,
    error text,
    failed_at timestamptz,
    standing text[] NOT NULL
) WITH (fillfactor = 50);
COMMENT ON COLUMN workers.error IS 'the last one, kept after it is over; failing: whether it lasts';
