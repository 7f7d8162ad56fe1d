CREATE TABLE IF NOT EXISTS cell_rows${on_cluster}
(
    grain LowCardinality(String) COMMENT 'Width of the bucket: hour or day',
    scope LowCardinality(String) COMMENT 'Which labels the cell is split by',
    channel LowCardinality(String) COMMENT 'Channel',
    segment LowCardinality(String) COMMENT 'Customer segment',
    touchpoint LowCardinality(String) COMMENT 'Where the customer met the company',
    bucket_at DateTime64(3, 'UTC') COMMENT 'Start of the bucket; an interaction counts where it started' CODEC(Delta(8), ZSTD(1)),
    interactions UInt64 COMMENT 'Number of interactions',
    customers UInt64 COMMENT 'Distinct customers',
    answer_customers UInt64 COMMENT 'Distinct customers who answered',
    meets_needs_n Float64 COMMENT 'Interactions with evidence on meets_needs' CODEC(ZSTD(1)),
    easy_n Float64 COMMENT 'Interactions with evidence on easy' CODEC(ZSTD(1)),
    enjoyable_n Float64 COMMENT 'Interactions with evidence on enjoyable' CODEC(ZSTD(1)),
    meets_needs_sum Float64 COMMENT 'Sum of scores of meets_needs' CODEC(ZSTD(1)),
    easy_sum Float64 COMMENT 'Sum of scores of easy' CODEC(ZSTD(1)),
    enjoyable_sum Float64 COMMENT 'Sum of scores of enjoyable' CODEC(ZSTD(1)),
    meets_needs_sumsq Float64 COMMENT 'Sum of squared scores of meets_needs' CODEC(ZSTD(1)),
    easy_sumsq Float64 COMMENT 'Sum of squared scores of easy' CODEC(ZSTD(1)),
    enjoyable_sumsq Float64 COMMENT 'Sum of squared scores of enjoyable' CODEC(ZSTD(1)),
    meets_needs_answers Float64 COMMENT 'Answers about meets_needs' CODEC(ZSTD(1)),
    easy_answers Float64 COMMENT 'Answers about easy' CODEC(ZSTD(1)),
    enjoyable_answers Float64 COMMENT 'Answers about enjoyable' CODEC(ZSTD(1)),
    meets_needs_answer_sum Float64 COMMENT 'Sum of answers in points about meets_needs' CODEC(ZSTD(1)),
    easy_answer_sum Float64 COMMENT 'Sum of answers in points about easy' CODEC(ZSTD(1)),
    enjoyable_answer_sum Float64 COMMENT 'Sum of answers in points about enjoyable' CODEC(ZSTD(1)),
    meets_needs_answer_sumsq Float64 COMMENT 'Sum of squared answers in points about meets_needs' CODEC(ZSTD(1)),
    easy_answer_sumsq Float64 COMMENT 'Sum of squared answers in points about easy' CODEC(ZSTD(1)),
    enjoyable_answer_sumsq Float64 COMMENT 'Sum of squared answers in points about enjoyable' CODEC(ZSTD(1)),
    source_partition Int32 COMMENT 'Kafka partition',
    version UInt64 COMMENT 'Of rows of equal identity the highest wins' CODEC(Delta(8), ZSTD(1)),
    is_deleted UInt8 COMMENT '1 retracts the row'
)
ENGINE = ${replicated}ReplacingMergeTree(version, is_deleted)
ORDER BY (grain, scope, channel, segment, touchpoint, bucket_at, source_partition)
COMMENT 'Totals per scope, bucket and source partition. Read the view cells.';
