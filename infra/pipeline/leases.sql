-- Claims as they run, in the transaction of their events and under the log's lock.

-- name: delete_leases
-- Of cases that nobody holds any more.
DELETE FROM leases WHERE stream = ANY (%(streams)b::text[])

-- name: upsert_leases
-- nth: which of the batch's events gave or renewed it, from 1.
INSERT INTO leases AS kept (stream, platform, shop, agent, token, claimed_at, until, position)
SELECT l.stream, l.platform, l.shop, l.agent, l.token, l.claimed_at, l.until,
       (SELECT max(notification_id) FROM stored_events) - %(events)s + l.nth
FROM unnest(%(streams)b::text[], %(platforms)b::text[], %(shops)b::text[], %(agents)b::text[],
            %(tokens)b::bigint[], %(claimed_at)b::timestamptz[], %(until)b::timestamptz[],
            %(nth)b::bigint[])
    AS l (stream, platform, shop, agent, token, claimed_at, until, nth)
ON CONFLICT (stream) DO UPDATE
    SET agent = excluded.agent, token = excluded.token, claimed_at = excluded.claimed_at,
        until = excluded.until, position = excluded.position
