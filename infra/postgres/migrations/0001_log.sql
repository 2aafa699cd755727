-- The log, the answers to commands, and the keys of personal data.

-- One row an event, every stream in one order. notification_id is the position: 1, 2, 3 … in
-- commit order without gaps, set under the log's lock (see infra/event_store/recorder.py).
-- The column names are those of the library `eventsourcing`.
CREATE TABLE stored_events (
    notification_id bigint NOT NULL PRIMARY KEY CHECK (notification_id > 0),
    originator_version bigint NOT NULL CHECK (originator_version > 0),
    recorded_at timestamptz NOT NULL,
    kind smallint NOT NULL,
    originator_id text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    state bytea NOT NULL,
    UNIQUE (originator_id, originator_version)
);
-- A reader of cases skips a hundred shipment events for each of its own.
CREATE INDEX stored_events_by_kind ON stored_events (kind, notification_id);

-- The inbox and the outgoing answers in one: a row for each remembered request, in commit order.
CREATE TABLE answers (
    number bigint NOT NULL PRIMARY KEY CHECK (number > 0),
    position bigint,
    decided_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    accepted boolean NOT NULL,
    digest bytea NOT NULL,
    source text COLLATE "C" NOT NULL,
    message_id text COLLATE "C" NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    field text NOT NULL,
    correlation_id text,
    UNIQUE (source, message_id)
);
COMMENT ON COLUMN answers.position IS 'of the last event that the request wrote; null: it wrote none';
COMMENT ON COLUMN answers.digest IS 'keyed hash of the canonical command';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is never changed or removed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON stored_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON answers
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- ALWAYS: session_replication_role = replica passes ordinary triggers by.
ALTER TABLE stored_events ENABLE ALWAYS TRIGGER immutable;
ALTER TABLE answers ENABLE ALWAYS TRIGGER immutable;

-- Returns the log's last position. Raises CT001 when an event after `known` belongs to one of
-- `streams`: whoever decided by them decided by an old state. To be called under the log's lock.
CREATE FUNCTION check_reads(known bigint, streams text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    head bigint := (SELECT max(notification_id) FROM stored_events);
    touched text;
BEGIN
    IF head > known THEN
        SELECT originator_id INTO touched FROM stored_events
            WHERE notification_id > known AND originator_id = ANY (streams) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'read before a later event: %', touched USING ERRCODE = 'CT001';
        END IF;
    END IF;
    RETURN coalesce(head, 0);
END
$$;

-- Keys of personal data, one or more a subject, each wrapped by the master key. Destroying one
-- blanks `wrapped` and leaves the row as the record that there was one.
CREATE TABLE subject_keys (
    key_id uuid NOT NULL PRIMARY KEY,
    subject text COLLATE "C" NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    destroyed_at timestamptz,
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE UNIQUE INDEX subject_keys_live ON subject_keys (subject) WHERE wrapped IS NOT NULL;
CREATE INDEX subject_keys_by_subject ON subject_keys (subject);

-- `subject` turned out to be part of `part_of`: whoever forgets the latter forgets the former.
CREATE TABLE subject_links (
    subject text COLLATE "C" NOT NULL,
    part_of text COLLATE "C" NOT NULL,
    linked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (part_of, subject)
);

-- The one master key under which this database's keys are wrapped, by its fingerprint.
CREATE TABLE master_key (
    singleton boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (singleton),
    fingerprint bytea NOT NULL
);

-- Raises CT002 when one of the keys is destroyed; holds them until the transaction ends.
CREATE FUNCTION check_keys(keys uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM subject_keys WHERE key_id = ANY (keys) ORDER BY key_id FOR SHARE;
    IF EXISTS (SELECT FROM subject_keys WHERE key_id = ANY (keys) AND wrapped IS NULL) THEN
        RAISE EXCEPTION 'sealed with a key that was destroyed' USING ERRCODE = 'CT002';
    END IF;
END
$$;
