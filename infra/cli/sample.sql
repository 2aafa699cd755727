-- What became of the sample.

-- name: count_refused
-- Requests of the sample that were refused, the platforms' about its orders included, and letters
-- among the records just sent.
SELECT (SELECT count(*) FROM answers WHERE source = %(source)s AND NOT accepted)
     + (SELECT count(*) FROM answers
        WHERE source = ANY (%(platforms)s::text[]) AND starts_with(message_id, %(prefix)s)
              AND NOT accepted)
     + (SELECT count(*) FROM dead_letters d
        JOIN unnest(%(topics)s::text[], %(partitions)s::int[], %(firsts)s::bigint[],
                    %(lasts)s::bigint[]) AS p (topic, partition, first, last)
        USING (topic, partition)
        WHERE d.record_offset BETWEEN p.first AND p.last)
