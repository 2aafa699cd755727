-- Publishing: how far each kind of outgoing record was sent, and what the answers do not tell.

-- All up to `position` was acknowledged by Kafka; moved by whoever holds the publisher's lock, on
-- the connection that holds it. case-events: a position of the log; else the number of a row.
CREATE TABLE publications (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    error text,
    failed_at timestamptz,
    CHECK ((error IS NULL) = (failed_at IS NULL))
);
INSERT INTO publications (name) VALUES ('case-events'), ('answers'), ('repeats'), ('dead-letters');

-- Records from Kafka that had been answered before, in the order of their commits: whoever sent
-- one again waits for an answer again. correlation_id: this time's.
CREATE TABLE repeats (
    number bigint NOT NULL PRIMARY KEY CHECK (number > 0),
    source text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    correlation_id text,
    origin text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN repeats.origin IS 'topic, partition and offset of the record';
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON repeats
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE repeats ENABLE ALWAYS TRIGGER immutable;

-- What lies before `furthest` was taken once: reading it again by hand is not being sent it again.
ALTER TABLE kafka_offsets ADD COLUMN furthest bigint NOT NULL DEFAULT 0;
UPDATE kafka_offsets SET furthest = position;

CREATE OR REPLACE FUNCTION move_offset(
    of_topic text, of_partition int, of_id uuid, sought bigint, next bigint, epoch int, slice uuid
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE kafka_offsets
    SET position = next, furthest = greatest(furthest, next), leader_epoch = epoch,
        moved_by = slice, moved_at = clock_timestamp()
    WHERE topic = of_topic AND partition = of_partition AND topic_id = of_id
      AND position = sought;
    IF NOT FOUND THEN
        RAISE EXCEPTION '%/% is no longer at %', of_topic, of_partition, sought
            USING ERRCODE = '23C01';
    END IF;
END
$$;

-- Whom to tell of a record that could not be taken, as far as its headers say.
ALTER TABLE dead_letters
    ADD COLUMN source text COLLATE "C",
    ADD COLUMN message_id text COLLATE "C",
    ADD COLUMN correlation_id text;
COMMENT ON COLUMN dead_letters.source IS 'with message_id, what a request of this record would have had; null: its headers do not say';
