-- Kafka: how far each partition was read, and the records that could not be taken.

-- Moved in the transaction of what the records brought about. position: the offset to be read
-- next. topic_id: the topic's own id, which a re-created one of the same name hasn't.
CREATE TABLE kafka_offsets (
    topic text COLLATE "C" NOT NULL,
    partition int NOT NULL,
    topic_id uuid NOT NULL,
    position bigint NOT NULL CHECK (position >= 0),
    leader_epoch int NOT NULL,
    moved_by uuid NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (topic, partition)
);
COMMENT ON COLUMN kafka_offsets.leader_epoch IS 'of the last record read; -1: not known';
COMMENT ON COLUMN kafka_offsets.moved_by IS 'the slice of records, so that its reader knows whether a broken connection had committed';

-- Raises 23C01 unless the partition still is where its reader began: another one reads it now.
CREATE FUNCTION move_offset(
    of_topic text, of_partition int, of_id uuid, sought bigint, next bigint, epoch int, slice uuid
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE kafka_offsets
    SET position = next, leader_epoch = epoch, moved_by = slice, moved_at = clock_timestamp()
    WHERE topic = of_topic AND partition = of_partition AND topic_id = of_id
      AND position = sought;
    IF NOT FOUND THEN
        RAISE EXCEPTION '%/% is no longer at %', of_topic, of_partition, sought
            USING ERRCODE = '23C01';
    END IF;
END
$$;

-- In the order of their commits, without gaps, so that they can be published from a position.
-- open: nothing was done with it. parked: waits, in order, until its stream can be folded.
-- retried, discarded: settled by whom and why.
CREATE TABLE dead_letters (
    number bigint NOT NULL PRIMARY KEY CHECK (number > 0),
    topic text COLLATE "C" NOT NULL,
    topic_id uuid NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    field text NOT NULL,
    stream text COLLATE "C",
    digest bytea NOT NULL,
    key_id uuid NOT NULL,
    box bytea,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL CHECK (state IN ('open', 'parked', 'retried', 'discarded')),
    settled_at timestamptz,
    settled_by text,
    reason text,
    UNIQUE (topic, topic_id, partition, record_offset),
    CHECK ((state IN ('open', 'parked')) = (settled_at IS NULL)),
    CHECK (state <> 'parked' OR stream IS NOT NULL)
);
COMMENT ON COLUMN dead_letters.digest IS 'SHA-256 of the value';
COMMENT ON COLUMN dead_letters.box IS 'key, value and headers, encrypted; null once they are gone';
CREATE INDEX dead_letters_unsettled ON dead_letters (number) WHERE settled_at IS NULL;
CREATE INDEX dead_letters_parked ON dead_letters (stream, number) WHERE state = 'parked';

-- Raises 23C02 unless the letter is unsettled.
CREATE FUNCTION settle_dead_letter(of_number bigint, as_state text, by text, why text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE dead_letters
    SET state = as_state, settled_at = clock_timestamp(), settled_by = by, reason = why,
        box = CASE WHEN as_state = 'discarded' THEN NULL ELSE box END
    WHERE number = of_number AND settled_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'dead letter % is settled', of_number USING ERRCODE = '23C02';
    END IF;
END
$$;
