CREATE TABLE IF NOT EXISTS customer_alert_rows${on_cluster}
(
    customer_id String COMMENT 'Customer as the producers name it' CODEC(ZSTD(1)),
    alert_id String COMMENT 'One alert from its first transition to its end' CODEC(ZSTD(1)),
    fingerprint String COMMENT 'What the alert is about: the same scope again later has the same' CODEC(ZSTD(1)),
    detector LowCardinality(String) COMMENT 'drop, surge, no_data, customer_drop or rule',
    kind LowCardinality(String) COMMENT 'scores, answers or contacts; for a rule its name',
    channel LowCardinality(String) COMMENT 'Channel',
    segment LowCardinality(String) COMMENT 'Customer segment',
    touchpoint LowCardinality(String) COMMENT 'Where the customer met the company',
    reason LowCardinality(String) COMMENT 'Why the customer got in touch',
    dimensions String COMMENT 'Dimensions that fell, the worst first, JSON' CODEC(ZSTD(1)),
    since_at DateTime64(3, 'UTC') COMMENT 'When it began' CODEC(Delta(8), ZSTD(1)),
    at DateTime64(3, 'UTC') COMMENT 'Its end, as far as it was watched' CODEC(Delta(8), ZSTD(1)),
    size Float64 COMMENT 'Points below the baseline; of a surge, times the usual contacts' CODEC(ZSTD(1)),
    evidence Float64 COMMENT 'Log likelihood ratio' CODEC(ZSTD(1)),
    threshold Float64 COMMENT 'Evidence at which it fires' CODEC(ZSTD(1)),
    expected Nullable(Float64) COMMENT 'Usual mean in points, or usual contacts' CODEC(ZSTD(1)),
    observed Nullable(Float64) COMMENT 'Mean or contacts as they came' CODEC(ZSTD(1)),
    source_partition Int32 COMMENT 'Kafka partition',
    version UInt64 COMMENT 'Of rows of equal identity the highest wins' CODEC(Delta(8), ZSTD(1)),
    is_deleted UInt8 COMMENT '1 retracts the row'
)
ENGINE = ${replicated}ReplacingMergeTree(version, is_deleted)
ORDER BY (customer_id, alert_id)
COMMENT 'Alerts about single customers. Read the view customer_alerts.';
