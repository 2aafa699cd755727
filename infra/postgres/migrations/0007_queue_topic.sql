-- Publishing the live queue: what an entry is made from changes in other ways than by the log, too.
ALTER TABLE publications ADD COLUMN basis jsonb;
COMMENT ON COLUMN publications.basis IS
    'of the queue: the table that was told, and the streams that were parked in it, each with its position';
INSERT INTO publications (name) VALUES ('queue');
