CREATE TABLE IF NOT EXISTS expectation_rows${on_cluster}
(
    customer_id String COMMENT 'Customer as the producers name it' CODEC(ZSTD(1)),
    as_of DateTime64(3, 'UTC') COMMENT 'Moment that the decayed sums refer to' CODEC(Delta(8), ZSTD(1)),
    ads UInt64 COMMENT 'Ads seen',
    recommendations UInt64 COMMENT 'Recommendations received',
    promises UInt64 COMMENT 'Promises received',
    ad_exposure Float64 COMMENT 'Ads, decayed to as_of' CODEC(ZSTD(1)),
    recommendation_exposure Float64 COMMENT 'Recommendations, decayed to as_of' CODEC(ZSTD(1)),
    promise_exposure Float64 COMMENT 'Promises, decayed to as_of' CODEC(ZSTD(1)),
    source_partition Int32 COMMENT 'Kafka partition',
    version UInt64 COMMENT 'Of rows of equal identity the highest wins' CODEC(Delta(8), ZSTD(1)),
    is_deleted UInt8 COMMENT '1 retracts the row'
)
ENGINE = ${replicated}ReplacingMergeTree(version, is_deleted)
ORDER BY customer_id
COMMENT 'What one-way events raised. Read the view expectations.';
