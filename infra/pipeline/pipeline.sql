-- Commands in batches: what a batch reads and what it writes.

-- name: begin_reading
-- All of a round's statements see the same log.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: select_clock
-- The decision's "now", and the position that what follows is current to.
SELECT clock_timestamp(), coalesce(max(notification_id), 0) FROM stored_events

-- name: select_answers
-- The first answers to messages that may be repeats. OFFSET 0 here and below keeps the look-ups by
-- index, one for each: a plan that was made while the table was small lives as long as the session,
-- and would read the whole table for every batch.
SELECT a.source, a.message_id, a.digest, a.accepted, a.position, a.code, a.message, a.field
FROM unnest(%(sources)b::text[], %(message_ids)b::text[]) AS asked (source, message_id)
CROSS JOIN LATERAL (
    SELECT * FROM answers
    WHERE source = asked.source AND message_id = asked.message_id OFFSET 0
) AS a

-- name: select_tail
-- Which streams were written to since the cache was current, and how far each has got.
SELECT originator_id, max(originator_version)
FROM (
    SELECT originator_id, originator_version FROM stored_events
    WHERE notification_id > %(after)s ORDER BY notification_id LIMIT %(limit)s
) AS tail
GROUP BY originator_id

-- name: select_newer
-- What streams hold behind these versions of theirs.
SELECT e.originator_id, e.originator_version, e.topic, e.state
FROM unnest(%(streams)b::text[], %(versions)b::bigint[]) AS known (stream, version)
CROSS JOIN LATERAL (
    SELECT * FROM stored_events
    WHERE originator_id = known.stream AND originator_version > known.version OFFSET 0
) AS e

-- name: select_streams
-- Streams to be folded: the snapshot that this code made, as a row without a topic, and the events
-- after it; or all of the events. One statement, so that both are as of one moment.
WITH found AS MATERIALIZED (
    SELECT s.stream, s.version, s.state
    FROM unnest(%(streams)b::text[]) AS wanted (stream)
    CROSS JOIN LATERAL (
        SELECT * FROM snapshots WHERE stream = wanted.stream AND made_by = %(made_by)b OFFSET 0
    ) AS s
)
SELECT stream, version, '', state FROM found
UNION ALL
SELECT e.originator_id, e.originator_version, e.topic, e.state
FROM unnest(%(streams)b::text[]) AS wanted (stream)
LEFT JOIN found USING (stream)
CROSS JOIN LATERAL (
    SELECT * FROM stored_events
    WHERE originator_id = stream AND originator_version > coalesce(found.version, 0)
    OFFSET 0
) AS e

-- name: select_written
-- Whether a batch whose connection broke was committed.
SELECT e.originator_id, e.originator_version, e.notification_id, e.topic, e.state
FROM unnest(%(streams)b::text[], %(versions)b::bigint[]) AS w (stream, version)
CROSS JOIN LATERAL (
    SELECT * FROM stored_events
    WHERE originator_id = w.stream AND originator_version = w.version OFFSET 0
) AS e

-- name: check_reads
-- Raises CT001 when something that was read has changed since `known`; returns the last position.
SELECT check_reads(%(known)s, %(streams)b::text[])

-- name: insert_answers
-- nth_event: which of the batch's events was the request's last, from 1. Arrays travel in binary: a
-- timestamp as text takes ten times as long to write out.
INSERT INTO answers (number, position, decided_at, recorded_at, accepted, digest, source,
                     message_id, code, message, field, correlation_id)
SELECT coalesce((SELECT max(number) FROM answers), 0) + a.nth,
       (SELECT max(notification_id) FROM stored_events) - %(events)s + a.nth_event,
       a.decided_at, clock_timestamp(), a.accepted, a.digest, a.source, a.message_id, a.code,
       a.message, a.field, a.correlation_id
FROM unnest(%(nth_events)b::bigint[], %(decided_at)b::timestamptz[], %(accepted)b::boolean[],
            %(digests)b::bytea[], %(sources)b::text[], %(message_ids)b::text[],
            %(codes)b::text[], %(messages)b::text[], %(fields)b::text[],
            %(correlation_ids)b::text[])
    WITH ORDINALITY AS a (nth_event, decided_at, accepted, digest, source, message_id, code,
                          message, field, correlation_id, nth)
