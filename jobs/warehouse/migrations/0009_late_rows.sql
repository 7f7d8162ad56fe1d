CREATE TABLE IF NOT EXISTS late_rows${on_cluster}
(
    source_topic LowCardinality(String) COMMENT 'Kafka topic',
    source_partition Int32 COMMENT 'Kafka partition',
    source_offset Int64 COMMENT 'Kafka offset' CODEC(Delta(8), ZSTD(1)),
    customer_id String COMMENT 'Customer as the producers name it' CODEC(ZSTD(1)),
    event_id String COMMENT 'Unique per customer; a repeat is a duplicate' CODEC(ZSTD(1)),
    occurred_at DateTime64(3, 'UTC') COMMENT 'When it happened (event time)' CODEC(Delta(8), ZSTD(1)),
    watermark DateTime64(3, 'UTC') COMMENT 'Watermark of the partition when it came' CODEC(Delta(8), ZSTD(1)),
    payload String COMMENT 'Original value, base64' CODEC(ZSTD(3)),
    appended_at DateTime64(3, 'UTC') COMMENT 'When the broker took the record' CODEC(Delta(8), ZSTD(1)),
    version UInt64 COMMENT 'Of rows of equal identity the highest wins' CODEC(Delta(8), ZSTD(1))
)
ENGINE = ${replicated}ReplacingMergeTree(version)
ORDER BY (source_topic, source_partition, source_offset)
COMMENT 'Valid events later than the allowed lateness. Read the view late.';
