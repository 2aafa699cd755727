-- How far the intake is.

-- name: select_positions
-- Where the partitions of these topics are to be read on.
SELECT topic, partition, position FROM kafka_offsets WHERE topic = ANY (%(topics)s::text[])
