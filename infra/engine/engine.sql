-- What the projection engine reads and keeps, whatever the read models are.

-- name: create_books
-- One row a table of a read model. position: of the log; all up to it is in the table. changes:
-- of what is parked, skipped or read, so that no page is committed that knew less. standing: live
-- (what readers see), building, joining (follows, to be read once it has caught up),
-- checking (follows, to be compared once it has) or kept.
create table if not exists projections (
    name      text        primary key,
    position  bigint      not null default 0,
    projected bigint      not null default 0,
    rate      real,
    moved_at  timestamptz not null default clock_timestamp(),
    error     text,
    failed_at timestamptz,
    changes   bigint      not null default 0,
    standing  text        not null default 'live'
);

-- name: add_missing_columns
-- Books of an earlier program; asked first, because altering locks readers out.
do $$
begin
    if not exists (select from pg_attribute
                   where attrelid = 'projections'::regclass and attname = 'standing') then
        alter table projections add column changes  bigint not null default 0,
                                add column standing text   not null default 'live';
    end if;
end $$;

-- name: create_parked_book
-- Streams that one table does not follow any more: from the event at `position` on.
create table if not exists parked_streams (
    name      text        not null references projections on delete cascade,
    stream    text        collate "C" not null,
    position  bigint      not null,
    error     text        not null,
    parked_at timestamptz not null default clock_timestamp(),
    attempts  int         not null default 1,
    primary key (name, stream)
);

-- name: create_skipped_book
-- Events that a read model is to take no notice of, in this version and in any later one.
create table if not exists skipped_events (
    projection text        not null,
    position   bigint      not null,
    stream     text        collate "C" not null,
    who        text        not null,
    why        text        not null,
    skipped_at timestamptz not null default clock_timestamp(),
    primary key (projection, position)
);

-- name: create_rebuild_book
-- The streams of a read model in parts, from `first` to before `last` by name, each filled in one
-- transaction with its mark: whoever goes on after a crash knows what is there.
create table if not exists rebuild_parts (
    name    text    not null references projections on delete cascade,
    part    int     not null,
    first   text    collate "C" not null,
    last    text    collate "C" not null,
    events  bigint  not null,
    done    boolean not null default false,
    primary key (name, part)
);

-- name: create_parked_view
-- For readers; made once, because replacing a view locks them out.
do $$
begin
    if to_regclass('parked') is not null then
        return;
    end if;
    create view parked as
    select regexp_replace(k.name, '_v[0-9]+(_g[0-9]+)?$', '') as read_model, k.stream,
           k.position, k.error, k.parked_at, k.attempts
    from parked_streams k join projections p using (name)
    where p.standing = 'live';
    comment on view parked is
        'Streams whose rows stand still in a read model, because an event could not be projected. Their rows there are as of the event before `position`; join by stream. See casetrail projections parked.';
    comment on column parked.read_model is 'Name of the read model, without its version.';
    comment on column parked.stream is 'Name of the stream in the log, as in the column of that name of the views.';
    comment on column parked.position is 'Position in the log of the first event that is not in the rows.';
    comment on column parked.error is 'Why it could not be projected.';
    comment on column parked.parked_at is 'Since when.';
    comment on column parked.attempts is 'How often it was tried.';
end $$;

-- name: create_reader_book
-- What readers see now: a digest of the views and of the versions they show. error: why they do not
-- see what this program would show them.
create table if not exists projection_readers (
    single     boolean     primary key default true check (single),
    digest     text        not null,
    swapped_at timestamptz not null default clock_timestamp(),
    error      text,
    failed_at  timestamptz
);

-- name: add_missing_reader_columns
-- As add_missing_columns does.
do $$
begin
    if not exists (select from pg_attribute
                   where attrelid = 'projection_readers'::regclass and attname = 'error') then
        alter table projection_readers add column error text, add column failed_at timestamptz;
    end if;
end $$;

-- name: create_wait_function
-- For readers of what they have written themselves; made anew only where it is another.
do $$
declare
    body  text := $body$
    declare
        until   timestamptz := clock_timestamp() + make_interval(secs => seconds);
        known   text[];
        unknown text;
    begin
        loop
            -- Each statement sees what was committed before it, unless the isolation forbids.
            select array_agg(distinct m.name) into known
            from projections p, regexp_replace(p.name, '_v[0-9]+(_g[0-9]+)?$', '') as m (name)
            where p.standing = 'live';
            select n.name into unknown
            from unnest(read_models) as n (name) where n.name = any (known) is not true limit 1;
            if found then
                raise undefined_object using message = format(
                    'There is no read model %s; there are: %s.',
                    unknown, array_to_string(known, ', '));
            end if;
            if not exists (
                select from projections
                where standing = 'live' and position < wanted and (
                    read_models is null
                    or regexp_replace(name, '_v[0-9]+(_g[0-9]+)?$', '') = any (read_models))
            ) then
                return true;
            end if;
            if clock_timestamp() >= until then
                return false;
            end if;
            perform pg_sleep(0.01);
        end loop;
    end
    $body$;
    about text := 'Waits until the views hold all up to a position of the log, such as a command''s answer gives; false if they do not within so many seconds. read_models: only these, by the names that casetrail projections status shows, without their versions; an unknown one is an error; null: all. Rows of a stream that is parked (see the view parked) stay behind all the same. A statement of its own, before the one that reads, and not in a repeatable read transaction.';
    made  oid  := to_regprocedure('wait_for_position(bigint, float8, text[])');
begin
    if exists (select from pg_proc where oid = made and prosrc = body)
       and obj_description(made, 'pg_proc') = about then
        return;
    end if;
    execute format(
        'create or replace function wait_for_position('
        'wanted bigint, seconds float8 default 10, read_models text[] default null)'
        ' returns boolean language plpgsql volatile as %L', body);
    execute format(
        'comment on function wait_for_position(bigint, float8, text[]) is %L', about);
end $$;

-- name: wait_for_position
-- Whether the views got there in time.
select wait_for_position(%(position)s::bigint, %(seconds)s::float8, %(names)s::text[]);

-- name: find_books
-- Whether an engine that keeps such books ever ran on this database.
select to_regclass('parked') is not null;

-- name: lock_books
-- Held until the transaction ends: one engine at a time makes or swaps tables.
select pg_advisory_xact_lock(%(key)s::bigint);

-- name: try_rank
-- Held until the transaction ends. The moment goes with it.
select pg_try_advisory_xact_lock(%(key)s::bigint), statement_timestamp();

-- name: listen_log
-- What writers say at each commit; see infra/event_store.
listen stored_events;

-- name: select_names
-- The tables that any version of this program made and nobody dropped.
select name from projections;

-- name: insert_name
-- A new version starts at the beginning of the log.
insert into projections (name, standing, position) values (%(name)s, %(standing)s, %(position)s);

-- name: delete_name
-- With the table itself, once nobody reads it.
delete from projections where name = %(name)s;

-- name: select_doubled
-- Functions that there are twice, by other arguments: nobody could call them by name.
select proname from pg_proc
where pronamespace = current_schema()::regnamespace and proname = any (%(functions)s::text[])
group by proname having count(*) > 1;

-- name: select_hollow_views
-- As statements: the same columns, and no rows.
select format('create or replace view %%I as select %%s where false', c.relname, string_agg(
           format('null::%%s %%s as %%I', format_type(a.atttypid, a.atttypmod),
                  'collate ' || l.collnamespace::regnamespace || '.' || quote_ident(l.collname),
                  a.attname),
           ', ' order by a.attnum))
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_collation l on l.oid = a.attcollation
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'v'
  and c.relname = any (%(views)s::text[])
group by c.oid, c.relname;

-- name: select_functions_made
-- Of these names, as what can be dropped in one statement; null: there are none.
select 'function ' || string_agg(oid::regprocedure::text, ', ') from pg_proc
where pronamespace = current_schema()::regnamespace and proname = any (%(functions)s::text[]);

-- name: select_views_made
-- The same of views.
select 'view ' || string_agg(oid::regclass::text, ', ') from pg_class
where relnamespace = current_schema()::regnamespace and relkind = 'v'
  and relname = any (%(views)s::text[]);

-- name: select_grants
-- As statements, with which what is dropped and made again is theirs again to whom it was granted.
select statement
from (
    select 0 as place, format('revoke all on function %%I from public', proname) as statement
    from pg_proc
    where pronamespace = current_schema()::regnamespace and proname = any (%(functions)s::text[])
      and proacl is not null
    union all
    select 1, format('grant %%s on %%s to %%s%%s', g.privilege, g.object,
                  case when g.grantee = 0 then 'public' else g.grantee::regrole::text end,
                  case when g.is_grantable then ' with grant option' else '' end)
    from (
        select 'function ' || quote_ident(p.proname) as object, x.privilege_type as privilege,
               x.grantee, x.is_grantable
        from pg_proc p, aclexplode(p.proacl) x
        where p.pronamespace = current_schema()::regnamespace
          and p.proname = any (%(functions)s::text[]) and x.grantee <> p.proowner
        union all
        select quote_ident(c.relname), x.privilege_type, x.grantee, x.is_grantable
        from pg_class c, aclexplode(c.relacl) x
        where c.relnamespace = current_schema()::regnamespace and c.relkind = 'v'
          and c.relname = any (%(views)s::text[]) and x.grantee <> c.relowner
    ) g
) found
order by place;

-- name: note_in_the_way
-- Shown by status until the views are swapped.
update projection_readers set error = %(error)s, failed_at = clock_timestamp();

-- name: select_in_the_way
-- What of others keeps the views as they were; null: nothing.
select error from projection_readers;

-- name: select_digest
-- What readers see now; compared before the views are swapped.
select digest from projection_readers;

-- name: replace_digest
-- In the transaction that swaps the views.
insert into projection_readers (digest) values (%(digest)s)
on conflict (single) do update
set digest = excluded.digest, swapped_at = clock_timestamp(), error = null, failed_at = null;

-- name: select_positions
-- Together with the head of the log, as of one moment.
select p.name, p.position, p.changes, p.standing,
       (select coalesce(max(notification_id), 0) from stored_events)
from projections p;

-- name: select_seen
-- What readers see of a version of a read model: the table, how far it is, where its streams are
-- parked; and the digest of all views.
select p.name, p.position,
       coalesce((select jsonb_object_agg(k.stream, k.position) from parked_streams k
                 where k.name = p.name), '{}'),
       (select digest from projection_readers)
from projections p
where p.standing = 'live' and regexp_replace(p.name, '_g[0-9]+$', '') = %(table)s;

-- name: move_position
-- Compare and set: whoever finds it moved must start over from what the other has written.
update projections
set position = %(end)s, projected = projected + %(events)s, moved_at = clock_timestamp(),
    rate = coalesce(%(rate)s, rate), error = null, failed_at = null
where name = %(name)s and position = %(after)s and changes = %(changes)s;

-- name: change_books
-- Whoever works on a page by what these tables were before has to begin it anew.
update projections set changes = changes + 1 where name = any (%(names)s::text[]);

-- name: lock_position
-- Held until the transaction ends: meanwhile no page is committed.
select position from projections where name = %(name)s for update;

-- name: select_parked
-- The streams that a table does not follow, oldest first.
select stream, position, error, parked_at, attempts
from parked_streams where name = %(name)s order by position, stream;

-- name: select_all_parked
-- As readers see it, oldest first.
select read_model, stream, position, error, parked_at, attempts from parked
order by position, read_model, stream;

-- name: park_stream
-- A stream that is parked stays so from where it is.
insert into parked_streams (name, stream, position, error)
values (%(name)s, %(stream)s, %(position)s, %(error)s)
on conflict (name, stream) do update
set position = excluded.position, error = excluded.error, attempts = parked_streams.attempts + 1;

-- name: unpark_stream
-- Its rows are up to the table's position again.
delete from parked_streams where name = %(name)s and stream = %(stream)s;

-- name: select_skipped
-- Positions of the events that a read model takes no notice of.
select position from skipped_events where projection = %(projection)s;

-- name: insert_skipped
-- For ever; who said so first stands.
insert into skipped_events (projection, position, stream, who, why)
values (%(projection)s, %(position)s, %(stream)s, %(who)s, %(why)s)
on conflict (projection, position) do nothing;

-- name: select_event_stream
-- Whose event stands at a position.
select originator_id from stored_events where notification_id = %(position)s;

-- name: note_error
-- Shown by status until the position moves again. Not while somebody else works on the row: the
-- others must not wait for that.
update projections set error = %(error)s, failed_at = clock_timestamp()
where name = (select name from projections where name = %(name)s for update skip locked);

-- name: select_page
-- One index walk a kind, merged: a scan of the primary key would read all the others' events. Kind
-- and position are compared as a pair: asked for apart, a plan made on few or old statistics sorts
-- all that follows for each page, or reads past the others' after all.
select e.*
from unnest(%(kinds)s::smallint[]) as k (kind), lateral (
    select notification_id, originator_id, originator_version, topic, state
    from stored_events
    where (kind, notification_id) > (k.kind, %(after)s::bigint)
      and (kind, notification_id) <= (k.kind, %(upto)s::bigint)
    order by kind, notification_id limit %(limit)s::bigint
) as e
order by notification_id limit %(limit)s::bigint;

-- name: select_streams
-- Whole streams as they were at a position of the log. + 0: or the log's own index would be read
-- up to there.
select notification_id, originator_id, originator_version, topic, state
from stored_events
where originator_id = any (%(streams)s::text[]) and notification_id + 0 <= %(upto)s
order by originator_id, originator_version;

-- name: select_kind
-- Every stream of one kind, stream by stream; the bounds are the kind's prefix in byte order.
select notification_id, originator_id, originator_version, topic, state
from stored_events
where originator_id > %(first)s and originator_id < %(last)s
order by originator_id, originator_version;

-- name: select_head
-- The log's last position.
select coalesce(max(notification_id), 0) from stored_events;

-- name: insert_parts
-- Of one kind, about so many events each. Counts and names come from the index alone.
insert into rebuild_parts (name, part, first, last, events)
select %(name)s, %(numbered)s::int + row_number() over (order by first), first,
       lead(first, 1, %(last)s) over (order by first), events
from (
    select min(originator_id) as first, sum(events)::bigint as events
    from (
        select originator_id, count(*) as events,
               sum(count(*)) over (order by originator_id) / %(size)s::int as share
        from stored_events
        where originator_id > %(first)s and originator_id < %(last)s
        group by originator_id
    ) streams
    group by floor(share)
) parts;

-- name: take_part
-- Others take others.
select part, first, last from rebuild_parts
where name = %(name)s and not done
order by part limit 1 for update skip locked;

-- name: mark_part
-- In the transaction of its rows.
update rebuild_parts set done = true where name = %(name)s and part = %(part)s;

-- name: select_progress
-- Of a rebuild: events in parts that are done, all events, parts that are left.
select coalesce(sum(events) filter (where done), 0)::bigint, coalesce(sum(events), 0)::bigint,
       count(*) filter (where not done)
from rebuild_parts where name = %(name)s;

-- name: select_part
-- Whole streams of a part as they were at a position of the log. + 0: or the log's own index would
-- be read up to there for every part.
select notification_id, originator_id, originator_version, topic, state
from stored_events
where originator_id >= %(first)s and originator_id < %(last)s and notification_id + 0 <= %(upto)s
order by originator_id, originator_version;

-- name: count_parked
-- Of one table.
select count(*) from parked_streams where name = %(name)s;

-- name: select_snapshots
-- What others look at: each session of this database that has a snapshot, its transaction, and the
-- oldest transaction that its snapshot does not know ended. Every role may see that of every other.
-- A vacuum's is no reader's.
select a.pid, l.virtualtransaction, a.backend_xmin::text
from pg_stat_activity a join pg_locks l on l.pid = a.pid and l.locktype = 'virtualxid'
where a.datname = current_database() and a.pid <> pg_backend_pid() and a.backend_xmin is not null
  and not exists (select from pg_stat_progress_vacuum v where v.pid = a.pid);

-- name: set_standing
-- Noticed by whoever works on a page of it.
update projections set standing = %(standing)s, changes = changes + 1 where name = %(name)s;

-- name: select_columns
-- Of a table, but for some.
select attname from pg_attribute
where attrelid = to_regclass(%(table)s) and attnum > 0 and not attisdropped
  and attname <> all (%(without)s)
order by attnum;

-- name: select_views_of
-- The views that read a table themselves, as PostgreSQL would write them.
select distinct c.relname, pg_get_viewdef(c.oid)
from pg_depend d
join pg_rewrite r on r.oid = d.objid
join pg_class c on c.oid = r.ev_class
where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
  and d.refobjid = to_regclass(%(table)s) and c.relkind = 'v'
order by 1;

-- name: select_status
-- Lag in events counts the log's, wanted or not; in seconds it is the age of the first of them.
select p.name, p.position, h.head, h.head - p.position as behind,
       coalesce(extract(epoch from clock_timestamp() - n.recorded_at), 0)::float8 as seconds,
       p.projected, p.rate, p.moved_at, coalesce(p.error, r.error) as error,
       coalesce(p.failed_at, r.failed_at) as failed_at, p.standing,
       (select count(*) from parked_streams k where k.name = p.name) as parked,
       l.pid is not null as led, l.pid as leader
from projections p
cross join (select coalesce(max(notification_id), 0) as head from stored_events) h
left join projection_readers r on p.standing = 'live'
left join stored_events n on n.notification_id = p.position + 1
left join (select min(pid) as pid from pg_locks
           where locktype = 'advisory' and granted and objsubid = 1
             and database = (select oid from pg_database where datname = current_database())
             and (classid::bigint << 32 | objid::bigint) = %(key)s::bigint) l on true
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
