-- Who leads: the session that holds an advisory lock.

-- name: try_lead
-- Held until the session ends: whoever has it does the work, on this very connection.
select pg_try_advisory_lock(%(key)s::bigint)

-- name: end_silent_holder
-- Ends who holds the lock, of a session or a transaction, and leaves the server waiting: to be told
-- more in the middle of a pipeline, which no time-out before PostgreSQL 17 watches, or to hand over
-- rows that nobody takes, which none watches at all.
select pg_terminate_backend(a.pid)
from pg_locks l join pg_stat_activity a using (pid)
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
  and l.database = (select oid from pg_database where datname = current_database())
  and (l.classid::bigint << 32 | l.objid::bigint) = %(key)s::bigint
  and a.wait_event_type = 'Client'
  and clock_timestamp() - greatest(a.state_change, a.query_start) > make_interval(secs => %(seconds)s)
