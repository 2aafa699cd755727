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
-- Read models are made by the application itself, hence CREATE on the schema. What is history can
-- be read and added to; where a row is only ever marked, it can't be removed; other tables are
-- worked on. What the role has is compared first: every command migrates, few change a grant.
do $$
declare
    app     text := current_setting('casetrail.app_role');
    item    record;
    allowed text[];
    what    text;
begin
    execute format('grant usage, create on schema %I to %I', current_schema(), app);
    for item in
        select c.oid, c.relname as name, c.relkind as kind
        from pg_class c
        where c.relnamespace = current_schema()::regnamespace
          and c.relkind in ('r', 'p', 'S') and c.relowner = current_user::regrole
    loop
        if item.kind = 'S' then
            execute format('grant usage, select on sequence %I to %I', item.name, app);
            continue;
        end if;
        allowed := case
            when item.name = 'schema_migrations' then '{select}'
            when item.name in ('stored_events', 'answers', 'repeats', 'subject_links', 'master_key')
                then '{select, insert}'
            when item.name in ('subject_keys', 'kafka_offsets', 'dead_letters', 'publications')
                then '{select, insert, update}'
            else '{select, insert, update, delete}'
        end;
        foreach what in array
            '{select, insert, update, delete, truncate, references, trigger}'::text[]
        loop
            if what = any (allowed) and not has_table_privilege(app, item.oid, what) then
                execute format('grant %s on table %I to %I', what, item.name, app);
            elsif what <> all (allowed) and has_table_privilege(app, item.oid, what) then
                execute format('revoke %s on table %I from %I', what, item.name, app);
            end if;
        end loop;
    end loop;
end
$$;
