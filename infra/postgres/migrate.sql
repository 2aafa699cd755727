-- name: take_lock
-- Held by the session: whoever comes second finds everything done.
select pg_advisory_lock(%s);

-- name: create_migrations
-- What has been applied, and a digest of each file as it was then.
create table if not exists schema_migrations (
    number     int         primary key,
    name       text        not null,
    digest     text        not null,
    applied_at timestamptz not null default clock_timestamp()
);

-- name: find_migrations
-- Whether this database was ever migrated.
select to_regclass('schema_migrations') is not null;

-- name: select_migrations
-- In the order in which they were applied.
select number, name, digest from schema_migrations order by number;

-- name: insert_migration
-- In the migration's own transaction.
insert into schema_migrations (number, name, digest) values (%s, %s, %s);

-- name: find_log
-- Whether there is a log yet whose content must not change.
select to_regclass('stored_events') is not null;

-- name: lock_log
-- Readers go on, writers wait.
lock table stored_events in share row exclusive mode;

-- name: digest_log
-- Order does not matter and nothing is gathered in memory: a sum of 60 bits of each row's SHA-256.
select count(*),
       sum(('x' || left(encode(sha256(convert_to(concat_ws(
           '|', notification_id, originator_id, originator_version, kind, topic,
           extract(epoch from recorded_at), encode(state, 'hex')), 'UTF8')), 'hex'), 15)
       )::bit(60)::bigint)
from stored_events;

-- name: set_app_role
-- A parameter for grant_tables, which as a DO block can take none.
select set_config('casetrail.app_role', %s, true);

-- name: grant_tables
-- Read models are made by the application itself, hence CREATE on the schema. The log and the
-- list of migrations can be read and the log appended to; the other tables are worked on.
do $$
declare
    app  text := current_setting('casetrail.app_role');
    item record;
begin
    execute format('grant usage, create on schema %I to %I', current_schema(), app);
    for item in
        select c.relname as name, c.relkind as kind
        from pg_class c
        where c.relnamespace = current_schema()::regnamespace
          and c.relkind in ('r', 'p', 'S') and c.relowner = current_user::regrole
    loop
        if item.kind = 'S' then
            execute format('grant usage, select on sequence %I to %I', item.name, app);
        elsif item.name = 'schema_migrations' then
            execute format('grant select on table %I to %I', item.name, app);
        elsif item.name = 'stored_events' then
            execute format('grant select, insert on table %I to %I', item.name, app);
        else
            execute format('grant select, insert, update, delete on table %I to %I', item.name, app);
        end if;
    end loop;
end
$$;
