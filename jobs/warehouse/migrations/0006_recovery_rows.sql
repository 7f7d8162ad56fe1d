CREATE TABLE IF NOT EXISTS recovery_rows${on_cluster}
(
    customer_id String COMMENT 'Customer as the producers name it' CODEC(ZSTD(1)),
    failure_key String COMMENT 'Identity of the failure, a function of its content' CODEC(ZSTD(1)),
    failed_at DateTime64(3, 'UTC') COMMENT 'When it failed' CODEC(Delta(8), ZSTD(1)),
    recovered_at Nullable(DateTime64(3, 'UTC')) COMMENT 'When it was fixed, NULL while it is not' CODEC(Delta(8), ZSTD(1)),
    journey_id String COMMENT 'Explicit id of the journey or case, empty if none' CODEC(ZSTD(1)),
    reason LowCardinality(String) COMMENT 'Why the customer got in touch',
    channel LowCardinality(String) COMMENT 'Channel',
    touchpoint LowCardinality(String) COMMENT 'Where the customer met the company',
    segment LowCardinality(String) COMMENT 'Customer segment',
    severity Nullable(Int32) COMMENT '1 minor .. 4 critical',
    failed_again Bool COMMENT 'The same thing failed again later',
    source_partition Int32 COMMENT 'Kafka partition',
    version UInt64 COMMENT 'Of rows of equal identity the highest wins' CODEC(Delta(8), ZSTD(1)),
    is_deleted UInt8 COMMENT '1 retracts the row'
)
ENGINE = ${replicated}ReplacingMergeTree(version, is_deleted)
ORDER BY (customer_id, failure_key)
COMMENT 'Failures, followed until they are fixed. Read the view service_recovery.';
