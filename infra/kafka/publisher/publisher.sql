-- What the publisher reads, and how far it is.

-- name: listen_log
-- What writers say at each commit; see infra/event_store.
LISTEN stored_events

-- name: select_positions
-- How far each is, and how far it could be; as of one moment. reached: by the live queue. Kind and
-- position are compared as a pair, here and below: one walk of their index, whatever the statistics.
SELECT p.name, p.position, p.basis,
       CASE p.name
           WHEN 'case-events' THEN coalesce((
               SELECT notification_id FROM stored_events
               WHERE (kind, notification_id) >= (%(kind)s::smallint, 0)
                 AND (kind, notification_id) <= (%(kind)s::smallint, 9223372036854775807)
               ORDER BY kind DESC, notification_id DESC LIMIT 1), 0)
           WHEN 'answers' THEN (SELECT coalesce(max(number), 0) FROM answers)
           WHEN 'repeats' THEN (SELECT coalesce(max(number), 0) FROM repeats)
           WHEN 'dead-letters' THEN (SELECT coalesce(max(number), 0) FROM dead_letters)
           WHEN 'queue' THEN coalesce((
               SELECT notification_id FROM stored_events
               WHERE (kind, notification_id) >= (%(kind)s::smallint, 0)
                 AND (kind, notification_id) <= (%(kind)s::smallint, %(reached)s::bigint)
               ORDER BY kind DESC, notification_id DESC LIMIT 1), 0)
       END
FROM publications p

-- name: move_positions
-- Compare and set: whoever finds one moved must start over from where it is.
UPDATE publications AS p
SET position = sent.position, basis = sent.basis, moved_at = clock_timestamp(),
    error = NULL, failed_at = NULL
FROM unnest(%(names)s::text[], %(afters)s::bigint[], %(positions)s::bigint[], %(bases)s::jsonb[])
    AS sent (name, after, position, basis)
WHERE p.name = sent.name AND p.position = sent.after

-- name: rewind_position
-- By hand, and only backwards: a position that is set ahead would skip.
UPDATE publications SET position = %(position)s, moved_at = clock_timestamp()
WHERE name = %(name)s AND position >= %(position)s

-- name: note_error
-- Shown by status until it goes on. stuck: the kinds that have a fault of their own.
UPDATE publications SET error = %(error)s, failed_at = clock_timestamp()
WHERE name <> ALL (%(stuck)s::text[])

-- name: note_fault
-- Shown by status until this kind moves.
UPDATE publications SET error = %(error)s, failed_at = clock_timestamp() WHERE name = %(name)s

-- name: forget_error
-- It goes on, even if there is nothing to publish now.
UPDATE publications SET error = NULL, failed_at = NULL
WHERE error IS NOT NULL AND name <> ALL (%(stuck)s::text[])

-- name: select_events
-- What happened to cases after a position, in commit order.
SELECT notification_id, originator_id, originator_version, topic, recorded_at, state
FROM stored_events
WHERE (kind, notification_id) > (%(kind)s::smallint, %(after)s::bigint)
  AND (kind, notification_id) <= (%(kind)s::smallint, %(upto)s::bigint)
ORDER BY kind, notification_id LIMIT %(limit)s::bigint

-- name: select_priced
-- The events of these cases that say in which currency their order is, up to a position.
SELECT originator_id, topic, state FROM stored_events
WHERE originator_id = ANY (%(streams)s::text[]) AND topic = ANY (%(topics)s::text[])
  AND notification_id <= %(upto)s
ORDER BY originator_id, originator_version

-- name: select_touched
-- The cases that something happened to after a position, in commit order.
SELECT notification_id, originator_id
FROM stored_events
WHERE (kind, notification_id) > (%(kind)s::smallint, %(after)s::bigint)
  AND (kind, notification_id) <= (%(kind)s::smallint, %(upto)s::bigint)
ORDER BY kind, notification_id LIMIT %(limit)s::bigint

-- name: select_last
-- The last event of each of these cases up to a position.
SELECT s.stream, e.notification_id, e.recorded_at
FROM unnest(%(streams)s::text[]) AS s (stream), LATERAL (
    SELECT notification_id, recorded_at FROM stored_events
    WHERE originator_id = s.stream AND notification_id <= %(upto)s
    ORDER BY originator_version DESC LIMIT 1
) AS e
ORDER BY e.notification_id

-- name: select_answers
-- A range of answers; only to records that came from Kafka. Bounded by number, so that a load of
-- others is passed by in steps. told_of: the same for the same answer wherever it is computed.
SELECT number, source, message_id, correlation_id, accepted, false AS is_repeat, position, code,
       message, field, recorded_at, concat_ws(E'\n', source, message_id) AS told_of
FROM answers
WHERE number > %(after)s AND number <= %(upto)s AND source LIKE 'kafka:%%'
ORDER BY number

-- name: select_repeats
-- Records that were answered before, with their first answers.
SELECT r.number, r.source, r.message_id, r.correlation_id, a.accepted, true AS is_repeat,
       a.position, a.code, a.message, a.field, r.recorded_at, concat_ws(E'\n', r.origin, message_id) AS told_of,
       a.number AS answer
FROM repeats r JOIN answers a USING (source, message_id)
WHERE r.number > %(after)s AND r.number <= %(upto)s
ORDER BY r.number

-- name: select_letters
-- Records that could not be taken. The words of what is wrong may quote the record, and stay here.
-- waits: it is asked again once its stream can be folded.
SELECT number, source, message_id, correlation_id, NULL::boolean AS accepted, false AS is_repeat,
       NULL::bigint AS position, code, field, stream IS NOT NULL AS waits, recorded_at,
       concat_ws('/', topic_id, topic, partition, record_offset) AS told_of,
       topic, partition, record_offset, digest
FROM dead_letters
WHERE number > %(after)s AND number <= %(upto)s
ORDER BY number

-- name: select_status
-- How far each is, how many are waiting, and for how long the first of them. reached: by the live
-- queue; of that, events wait.
SELECT p.name, p.position, w.waiting,
       extract(epoch FROM clock_timestamp() - w.since)::float8 AS oldest_seconds, p.moved_at, p.error, p.failed_at
FROM publications p JOIN LATERAL (
    SELECT 'case-events' AS name,
           (SELECT count(*) FROM stored_events
            WHERE kind = %(kind)s AND notification_id > p.position) AS waiting,
           (SELECT recorded_at FROM stored_events
            WHERE kind = %(kind)s AND notification_id > p.position
            ORDER BY notification_id LIMIT 1) AS since
    UNION ALL
    SELECT 'answers', (SELECT coalesce(max(number), 0) FROM answers) - p.position,
           (SELECT recorded_at FROM answers WHERE number = p.position + 1)
    UNION ALL
    SELECT 'repeats', (SELECT coalesce(max(number), 0) FROM repeats) - p.position,
           (SELECT recorded_at FROM repeats WHERE number = p.position + 1)
    UNION ALL
    SELECT 'dead-letters', (SELECT coalesce(max(number), 0) FROM dead_letters) - p.position,
           (SELECT recorded_at FROM dead_letters WHERE number = p.position + 1)
    UNION ALL
    SELECT 'queue',
           (SELECT count(*) FROM stored_events WHERE kind = %(kind)s
              AND notification_id > p.position AND notification_id <= %(reached)s),
           (SELECT recorded_at FROM stored_events WHERE kind = %(kind)s
              AND notification_id > p.position AND notification_id <= %(reached)s
            ORDER BY notification_id LIMIT 1)
) AS w USING (name)

-- name: select_leader
-- Whose session holds the publisher's lock, and since when it is connected.
SELECT a.application_name, a.backend_start
FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.classid::bigint << 32 | l.objid::bigint) = %(key)s::bigint
