-- What the projection engine reads and keeps, whatever the read models are.

-- name: create_books
-- One row a version of a read model. position: of the log; all before it is in the table.
create table if not exists projections (
    name      text        primary key,
    position  bigint      not null default 0,
    projected bigint      not null default 0,
    rate      real,
    moved_at  timestamptz not null default clock_timestamp(),
    error     text,
    failed_at timestamptz
);

-- name: create_reader_book
-- What readers see now: a digest of the views and of the versions they show.
create table if not exists projection_readers (
    single     boolean     primary key default true check (single),
    digest     text        not null,
    swapped_at timestamptz not null default clock_timestamp()
);

-- name: find_books
-- Whether an engine ever ran on this database.
select to_regclass('projections') is not null;

-- name: lock_books
-- Held until the transaction ends: one engine at a time makes or swaps tables.
select pg_advisory_xact_lock(%(key)s::bigint);

-- name: try_lead
-- Held by the session: whoever has it writes the read models, on this very connection.
select pg_try_advisory_lock(%(key)s::bigint);

-- name: listen_log
-- What writers say at each commit; see infra/event_store.
listen stored_events;

-- name: select_names
-- The tables that any version of this program made and nobody dropped.
select name from projections;

-- name: insert_name
-- A new table starts at the beginning of the log.
insert into projections (name) values (%(name)s);

-- name: delete_name
-- With the table itself, once nobody reads it.
delete from projections where name = %(name)s;

-- name: select_digest
-- What readers see now; compared before the views are swapped.
select digest from projection_readers;

-- name: replace_digest
-- In the transaction that swaps the views.
insert into projection_readers (digest) values (%(digest)s)
on conflict (single) do update set digest = excluded.digest, swapped_at = clock_timestamp();

-- name: select_positions
-- Together with the head of the log, as of one moment.
select p.name, p.position, (select coalesce(max(notification_id), 0) from stored_events)
from projections p;

-- name: move_position
-- Compare and set: whoever finds it moved must start over from what the other has written.
update projections
set position = %(end)s, projected = projected + %(events)s, moved_at = clock_timestamp(),
    rate = coalesce(%(rate)s, rate), error = null, failed_at = null
where name = %(name)s and position = %(after)s;

-- name: note_error
-- Shown by status until the position moves again.
update projections set error = %(error)s, failed_at = clock_timestamp() where name = %(name)s;

-- name: select_page
-- One index walk a kind, merged: a scan of the primary key would read all the others' events.
select e.*
from unnest(%(kinds)s::smallint[]) as k (kind), lateral (
    select notification_id, originator_id, originator_version, topic, state
    from stored_events
    where kind = k.kind and notification_id > %(after)s and notification_id <= %(upto)s
    order by notification_id limit %(limit)s::bigint
) as e
order by notification_id limit %(limit)s::bigint;

-- name: select_streams
-- Whole streams as they were at a position of the log.
select notification_id, originator_id, originator_version, topic, state
from stored_events
where originator_id = any (%(streams)s::text[]) and notification_id <= %(upto)s
order by originator_id, originator_version;

-- name: select_kind
-- Every stream of one kind, stream by stream; the bounds are the kind's prefix in byte order.
select notification_id, originator_id, originator_version, topic, state
from stored_events
where originator_id > %(first)s and originator_id < %(last)s
order by originator_id, originator_version;

-- name: select_status
-- Lag in events counts the log's, wanted or not; in seconds it is the age of the first of them.
select p.name, p.position, h.head, h.head - p.position as behind,
       coalesce(extract(epoch from clock_timestamp() - n.recorded_at), 0)::float8 as seconds,
       p.projected, p.rate, p.moved_at, p.error, p.failed_at,
       exists (select from pg_locks l
               where l.locktype = 'advisory' and l.granted and l.objsubid = 1
                 and l.database = (select oid from pg_database where datname = current_database())
                 and (l.classid::bigint << 32 | l.objid::bigint) = %(key)s::bigint) as led
from projections p
cross join (select coalesce(max(notification_id), 0) as head from stored_events) h
left join stored_events n on n.notification_id = p.position + 1
order by p.name;

-- name: select_meanings
-- What the views' comments say; a function's comment stands under its call.
select c.relname as view, obj_description(c.oid) as about, a.attname as column_name,
       format_type(a.atttypid, a.atttypmod) as type, col_description(c.oid, a.attnum) as meaning
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'v'
order by c.relname, a.attnum;

-- name: select_functions
-- Those that are for readers: they have a comment.
select p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' as call,
       obj_description(p.oid) as about
from pg_proc p
where p.pronamespace = current_schema()::regnamespace and obj_description(p.oid) is not null
order by 1;
