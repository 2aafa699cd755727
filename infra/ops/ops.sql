-- Who works and how it goes.

-- name: upsert_worker
-- Ages in seconds instead of times: clocks of processes differ from the database's.
INSERT INTO workers (id, worker, process, member, beat_at, turned_at, succeeded_at, ended_at,
                     items, retries, counts, failing, error, failed_at, standing)
SELECT %(id)s, %(worker)s, %(process)s, %(member)s, now,
       now - %(turned)s * interval '1 second', now - %(succeeded)s * interval '1 second',
       CASE WHEN %(ended)s THEN now END,
       %(items)s, %(retries)s, %(counts)s, %(failing)s, nullif(%(error)s, ''),
       now - %(failed)s * interval '1 second', %(standing)s
FROM clock_timestamp() AS now
ON CONFLICT (id) DO UPDATE
SET beat_at = excluded.beat_at, turned_at = excluded.turned_at,
    succeeded_at = excluded.succeeded_at, ended_at = excluded.ended_at, items = excluded.items,
    retries = excluded.retries, counts = excluded.counts, failing = excluded.failing,
    error = excluded.error, failed_at = excluded.failed_at, standing = excluded.standing,
    member = excluded.member

-- name: delete_old_workers
-- Nobody asks any more how they went.
DELETE FROM workers WHERE beat_at < clock_timestamp() - %(days)s * interval '1 day'

-- name: select_workers
-- Those at work, and of those that ended or fell silent the newest, for their last words.
SELECT worker, process, member, started_at, beat_at, turned_at, succeeded_at, ended_at, items,
       retries, counts, failing, error, failed_at, standing,
       extract(epoch FROM clock_timestamp() - beat_at)::float8 AS beat_seconds,
       extract(epoch FROM beat_at - turned_at)::float8 AS turned_seconds
FROM (SELECT *, row_number() OVER (
                    PARTITION BY worker,
                                 ended_at IS NULL
                                 AND beat_at > clock_timestamp() - %(silent)s * interval '1 second'
                    ORDER BY beat_at DESC) AS nth,
             ended_at IS NULL
             AND beat_at > clock_timestamp() - %(silent)s * interval '1 second' AS works
      FROM workers) AS w
WHERE works OR nth <= %(past)s
ORDER BY worker, works DESC, beat_at DESC

-- name: count_letters
-- Dead letters that nothing was done with yet, by state.
SELECT state, count(*) FROM dead_letters WHERE settled_at IS NULL GROUP BY state
