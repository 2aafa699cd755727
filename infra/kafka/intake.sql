-- What the intake from Kafka keeps beside the log: offsets, and records that could not be taken.

-- name: select_offsets
-- Where the partitions were left.
SELECT o.topic, o.partition, o.topic_id, o.position, o.leader_epoch, o.moved_by, o.furthest
FROM unnest(%(topics)s::text[], %(partitions)s::int[]) AS p (topic, partition)
JOIN kafka_offsets o USING (topic, partition)

-- name: insert_offset
-- A partition that was never read. Of two who come first, either will do.
INSERT INTO kafka_offsets (topic, partition, topic_id, position, leader_epoch, moved_by)
VALUES (%(topic)s, %(partition)s, %(topic_id)s, %(position)s, -1, %(slice)s)
ON CONFLICT DO NOTHING

-- name: set_offset
-- By hand: whoever reads the partition finds that it was moved, and begins again from there.
INSERT INTO kafka_offsets (topic, partition, topic_id, position, leader_epoch, moved_by)
VALUES (%(topic)s, %(partition)s, %(topic_id)s, %(position)s, -1, %(slice)s)
ON CONFLICT (topic, partition) DO UPDATE
SET furthest = CASE kafka_offsets.topic_id WHEN excluded.topic_id THEN kafka_offsets.furthest
                    ELSE 0 END,
    topic_id = excluded.topic_id, position = excluded.position, leader_epoch = -1,
    moved_by = excluded.moved_by, moved_at = clock_timestamp()

-- name: move_offset
-- In the transaction of what the records brought about; see the migration.
SELECT move_offset(%(topic)s, %(partition)s, %(topic_id)s, %(sought)s, %(next)s, %(epoch)s,
                   %(slice)s)

-- name: insert_repeats
-- Under the log's lock: records that get their first answer again.
INSERT INTO repeats (number, source, message_id, correlation_id, origin)
SELECT coalesce((SELECT max(number) FROM repeats), 0) + r.nth, r.source, r.message_id,
       r.correlation_id, r.origin
FROM unnest(%(sources)b::text[], %(message_ids)b::text[], %(correlation_ids)s::text[],
            %(origins)b::text[])
    WITH ORDINALITY AS r (source, message_id, correlation_id, origin, nth)

-- name: insert_dead_letters
-- Under the log's lock. A record that is read again makes no second letter.
INSERT INTO dead_letters (number, topic, topic_id, partition, record_offset, code, message,
                          field, stream, digest, key_id, box, state, source, message_id,
                          correlation_id)
SELECT coalesce((SELECT max(number) FROM dead_letters), 0) + row_number() OVER (ORDER BY l.nth),
       %(topic)s, %(topic_id)s, %(partition)s, l.record_offset, l.code, l.message, l.field,
       l.stream, l.digest, l.key_id, l.box, l.state, l.source, l.message_id, l.correlation_id
FROM unnest(%(offsets)s::bigint[], %(codes)s::text[], %(messages)s::text[], %(fields)s::text[],
            %(streams)s::text[], %(digests)b::bytea[], %(key_ids)s::uuid[], %(boxes)b::bytea[],
            %(states)s::text[], %(sources)s::text[], %(message_ids)s::text[],
            %(correlation_ids)s::text[])
    WITH ORDINALITY AS l (record_offset, code, message, field, stream, digest, key_id, box,
                          state, source, message_id, correlation_id, nth)
WHERE NOT EXISTS (
    SELECT FROM dead_letters d
    WHERE d.topic = %(topic)s AND d.topic_id = %(topic_id)s AND d.partition = %(partition)s
      AND d.record_offset = l.record_offset
)

-- name: select_parked_streams
-- Streams whose requests wait: what comes for them must wait behind those.
SELECT DISTINCT stream FROM dead_letters WHERE state = 'parked'

-- name: select_earlier_parked
-- The letter that waits longest behind the same stream, if it is another one.
SELECT earlier.number
FROM dead_letters later
JOIN dead_letters earlier ON earlier.stream = later.stream AND earlier.number < later.number
WHERE later.number = %(number)s AND later.state = 'parked' AND earlier.state = 'parked'
ORDER BY earlier.number LIMIT 1

-- name: select_letters
-- Dead letters in their order, without what is in them.
SELECT number, topic, partition, record_offset, code, message, field, stream,
       encode(digest, 'hex') AS sha256, recorded_at, state, settled_at, settled_by, reason
FROM dead_letters
WHERE (%(number)s::bigint IS NULL OR number = %(number)s)
  AND (%(all)s OR settled_at IS NULL)
  AND (%(code)s::text IS NULL OR code = %(code)s)
  AND number > %(after)s
ORDER BY number LIMIT %(limit)s::bigint

-- name: select_box
-- What is in a letter, encrypted.
SELECT topic, partition, record_offset, key_id::text, box FROM dead_letters
WHERE number = %(number)s

-- name: settle_letter
-- In the transaction of what it brought about, if anything; see the migration.
SELECT settle_dead_letter(%(number)s, %(state)s, %(by)s, %(reason)s)

-- name: expire_boxes
-- What is in old letters is forgotten: with its day's key, and of those that waited so long after
-- they were settled. Their day's key is destroyed, too, once it opens nothing that is kept.
WITH old AS (
    SELECT now() - %(days)s * interval '1 day' AS time,
           to_char(now() - %(days)s * interval '1 day', 'YYYY-MM-DD') AS day
), destroyed AS (
    UPDATE subject_keys k SET wrapped = NULL, destroyed_at = clock_timestamp()
    FROM old
    WHERE k.wrapped IS NOT NULL
      AND (k.subject >= 'dead-letters:' AND k.subject < 'dead-letters:' || old.day
           OR k.subject >= 'parked-records:' AND k.subject < 'parked-records:' || old.day
              AND NOT EXISTS (
                  SELECT FROM dead_letters d
                  WHERE d.key_id = k.key_id AND d.box IS NOT NULL
                    AND (d.settled_at IS NULL OR d.settled_at >= old.time)
              ))
    RETURNING k.key_id
)
UPDATE dead_letters d SET box = NULL
FROM old
WHERE d.box IS NOT NULL
  AND (d.key_id IN (SELECT key_id FROM destroyed)
       OR d.stream IS NOT NULL AND d.settled_at < old.time)
