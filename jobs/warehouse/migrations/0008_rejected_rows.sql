CREATE TABLE IF NOT EXISTS rejected_rows${on_cluster}
(
    source_topic LowCardinality(String) COMMENT 'Kafka topic',
    source_partition Int32 COMMENT 'Kafka partition',
    source_offset Int64 COMMENT 'Kafka offset' CODEC(Delta(8), ZSTD(1)),
    reason LowCardinality(String) COMMENT 'Reason code',
    message String COMMENT 'What was wrong' CODEC(ZSTD(1)),
    key String COMMENT 'Original key, base64' CODEC(ZSTD(1)),
    payload String COMMENT 'Original value, base64' CODEC(ZSTD(3)),
    appended_at DateTime64(3, 'UTC') COMMENT 'When the broker took the record' CODEC(Delta(8), ZSTD(1)),
    version UInt64 COMMENT 'Of rows of equal identity the highest wins' CODEC(Delta(8), ZSTD(1))
)
ENGINE = ${replicated}ReplacingMergeTree(version)
ORDER BY (source_topic, source_partition, source_offset)
COMMENT 'Bad input with its original bytes. Read the view rejected.';
