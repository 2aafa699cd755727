-- The log: one row an event, positions without gaps, in commit order.

-- name: lock_log
-- Held until the transaction ends: one writer at a time, so that positions follow commits.
-- Always a statement of its own, or what follows would read from before the wait.
SELECT pg_advisory_xact_lock(%(key)s::bigint)

-- name: insert_events
-- recorded_at never goes back, even where the server's clock does.
WITH last AS MATERIALIZED (
    SELECT notification_id, recorded_at FROM stored_events ORDER BY notification_id DESC LIMIT 1
), start AS MATERIALIZED (
    SELECT coalesce((SELECT notification_id FROM last), 0) AS position,
           greatest(clock_timestamp(), (SELECT recorded_at FROM last)) AS recorded_at
)
INSERT INTO stored_events
    (notification_id, originator_id, originator_version, kind, topic, recorded_at, state)
SELECT start.position + e.nth, e.stream, e.version, e.kind, e.topic, start.recorded_at, e.state
FROM start, unnest(%(streams)b::text[], %(versions)b::bigint[], %(kinds)b::smallint[],
                   %(topics)b::text[], %(states)b::bytea[])
    WITH ORDINALITY AS e (stream, version, kind, topic, state, nth)

-- name: notify_readers
-- Wakes whoever reads the log; sent with the commit, or not at all.
NOTIFY stored_events

-- name: select_head
-- The last position; there are no gaps, so it is also the count.
SELECT coalesce(max(notification_id), 0) FROM stored_events

-- name: select_stream
-- One stream as it came about.
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at
FROM stored_events
WHERE originator_id = %(stream)s
  AND originator_version > %(after)s AND originator_version <= %(upto)s
ORDER BY originator_version LIMIT %(limit)s::bigint

-- name: select_stream_backwards
-- One stream from its end, for who wants only the latest.
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at
FROM stored_events
WHERE originator_id = %(stream)s
  AND originator_version > %(after)s AND originator_version <= %(upto)s
ORDER BY originator_version DESC LIMIT %(limit)s::bigint

-- name: select_tail
-- What followed a position, in commit order, a page at a time.
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at
FROM stored_events
WHERE notification_id > %(after)s AND notification_id <= %(upto)s
ORDER BY notification_id LIMIT %(limit)s::bigint

-- name: select_tail_of_topics
-- The same of some topics only; reads past the others, so it suits common ones.
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at
FROM stored_events
WHERE notification_id > %(after)s AND notification_id <= %(upto)s AND topic = ANY (%(topics)s)
ORDER BY notification_id LIMIT %(limit)s::bigint

-- name: select_tail_of_kinds
-- One index walk a kind, merged: a scan of the primary key would read all the others' events. Kind
-- and position as a pair, or a plan made on few or old statistics sorts all that follows.
SELECT e.*
FROM unnest(%(kinds)s::smallint[]) AS k (kind), LATERAL (
    SELECT notification_id, originator_id, originator_version, topic, state, recorded_at
    FROM stored_events
    WHERE (kind, notification_id) > (k.kind, %(after)s::bigint)
      AND (kind, notification_id) <= (k.kind, %(upto)s::bigint)
    ORDER BY kind, notification_id LIMIT %(limit)s::bigint
) AS e
ORDER BY notification_id LIMIT %(limit)s::bigint
