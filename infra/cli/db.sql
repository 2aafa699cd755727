-- name: describe_database
-- The server in its own words, and the database's size on disk in bytes.
select split_part(version(), ' on ', 1), pg_database_size(current_database());

-- name: count_events
-- Positions have no gaps, so the last is the count.
select coalesce(max(notification_id), 0) from stored_events;
