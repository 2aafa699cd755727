-- What became of the sample.

-- name: count_refused
-- Requests of the sample that were refused, and letters of the partitions that it was sent to.
SELECT (SELECT count(*) FROM answers WHERE source = %(source)s AND NOT accepted)
     + (SELECT count(*) FROM dead_letters d
        JOIN unnest(%(topics)s::text[], %(partitions)s::int[]) AS p (topic, partition)
        USING (topic, partition)
        WHERE d.settled_at IS NULL)
