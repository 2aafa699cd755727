-- What is kept of long streams.

-- name: upsert_snapshots
-- Never an older one over a newer one of the same code.
INSERT INTO snapshots AS kept (stream, version, made_by, state)
SELECT stream, version, %(made_by)b, state
FROM unnest(%(streams)b::text[], %(versions)b::bigint[], %(states)b::bytea[])
    AS new (stream, version, state)
ON CONFLICT (stream) DO UPDATE
    SET version = excluded.version, made_by = excluded.made_by, state = excluded.state
    WHERE (kept.made_by = excluded.made_by) IS FALSE OR kept.version < excluded.version
