-- Final watermark of each source partition: the running maximum of min(occurred, appended) after the last record.
-- Late events lie below it and repeats bring no new time, so the accepted events and the ticks are enough.
SELECT source_partition, max(moment_ms) AS watermark_ms
FROM
(
    SELECT source_partition, toUnixTimestamp64Milli(least(occurred_at, appended_at)) AS moment_ms FROM events
    UNION ALL
    SELECT source_partition, moment_ms FROM oracle_ticks
)
GROUP BY source_partition
