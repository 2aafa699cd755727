-- Keys of personal data.

-- name: claim_master_key
-- The first master key used with a database is its master key.
INSERT INTO master_key (fingerprint) VALUES (%(fingerprint)s) ON CONFLICT DO NOTHING

-- name: select_master_key
-- Which master key this database's keys are wrapped by.
SELECT fingerprint FROM master_key

-- name: insert_keys
-- Of two writers who want a key for one subject, the first gives it to both.
INSERT INTO subject_keys (key_id, subject, wrapped)
SELECT * FROM unnest(%(key_ids)s::uuid[], %(subjects)s::text[], %(wrapped)b::bytea[])
ON CONFLICT (subject) WHERE wrapped IS NOT NULL DO NOTHING

-- name: select_live_keys
-- The keys that seal new data, for these subjects.
SELECT subject, key_id::text, wrapped FROM subject_keys
WHERE subject = ANY (%(subjects)s::text[]) AND wrapped IS NOT NULL

-- name: select_keys
-- The keys that stored data names; wrapped is null once destroyed.
SELECT key_id::text, wrapped FROM subject_keys WHERE key_id = ANY (%(key_ids)s::uuid[])

-- name: check_keys
-- In the transaction that stores what they sealed: none may be destroyed meanwhile.
SELECT check_keys(%(key_ids)s::uuid[])

-- name: insert_links
-- Repeating a link changes nothing.
INSERT INTO subject_links (subject, part_of)
SELECT * FROM unnest(%(subjects)s::text[], %(parts_of)s::text[])
ON CONFLICT DO NOTHING

-- name: destroy_keys
-- The subject's keys and those of all that turned out to be part of it.
WITH RECURSIVE whole (subject) AS (
    SELECT %(subject)s::text COLLATE "C"
    UNION
    SELECT l.subject FROM subject_links l JOIN whole w ON l.part_of = w.subject
)
UPDATE subject_keys SET wrapped = NULL, destroyed_at = clock_timestamp()
WHERE subject IN (SELECT subject FROM whole) AND wrapped IS NOT NULL
