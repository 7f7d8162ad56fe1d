CREATE TABLE IF NOT EXISTS journey_rows${on_cluster}
(
    customer_id String COMMENT 'Customer as the producers name it' CODEC(ZSTD(1)),
    journey_key String COMMENT 'Identity of the journey, a function of its content' CODEC(ZSTD(1)),
    journey_id String COMMENT 'Explicit id of the journey or case, empty if none' CODEC(ZSTD(1)),
    goal LowCardinality(String) COMMENT 'What the customer wanted to reach',
    segment LowCardinality(String) COMMENT 'Customer segment',
    started_at DateTime64(3, 'UTC') COMMENT 'First event' CODEC(Delta(8), ZSTD(1)),
    ended_at DateTime64(3, 'UTC') COMMENT 'Last event' CODEC(Delta(8), ZSTD(1)),
    state LowCardinality(String) COMMENT 'open, completed or silent',
    interactions UInt32 COMMENT 'Number of interactions',
    events UInt32 COMMENT 'Number of events',
    resolved Nullable(Bool) COMMENT 'Whether the issue was resolved',
    transfers Int64 COMMENT 'Times handed over',
    wait_s Float64 COMMENT 'Time waited, seconds' CODEC(ZSTD(1)),
    duration_s Float64 COMMENT 'Time it took, seconds' CODEC(ZSTD(1)),
    answers UInt32 COMMENT 'Number of explicit answers',
    interaction_meets_needs_weight Float64 COMMENT 'Evidence W on meets_needs, undecayed' CODEC(ZSTD(1)),
    interaction_meets_needs_sum Float64 COMMENT 'Evidence S = sum of weight times points on meets_needs, undecayed' CODEC(ZSTD(1)),
    interaction_meets_needs_stated Float64 COMMENT 'Part of W from answers on meets_needs, undecayed' CODEC(ZSTD(1)),
    interaction_easy_weight Float64 COMMENT 'Evidence W on easy, undecayed' CODEC(ZSTD(1)),
    interaction_easy_sum Float64 COMMENT 'Evidence S = sum of weight times points on easy, undecayed' CODEC(ZSTD(1)),
    interaction_easy_stated Float64 COMMENT 'Part of W from answers on easy, undecayed' CODEC(ZSTD(1)),
    interaction_enjoyable_weight Float64 COMMENT 'Evidence W on enjoyable, undecayed' CODEC(ZSTD(1)),
    interaction_enjoyable_sum Float64 COMMENT 'Evidence S = sum of weight times points on enjoyable, undecayed' CODEC(ZSTD(1)),
    interaction_enjoyable_stated Float64 COMMENT 'Part of W from answers on enjoyable, undecayed' CODEC(ZSTD(1)),
    meets_needs_score Float64 COMMENT 'Score of meets_needs with the segment prior, points 0-100' CODEC(ZSTD(1)),
    easy_score Float64 COMMENT 'Score of easy with the segment prior, points 0-100' CODEC(ZSTD(1)),
    enjoyable_score Float64 COMMENT 'Score of enjoyable with the segment prior, points 0-100' CODEC(ZSTD(1)),
    source_partition Int32 COMMENT 'Kafka partition',
    version UInt64 COMMENT 'Of rows of equal identity the highest wins' CODEC(Delta(8), ZSTD(1)),
    is_deleted UInt8 COMMENT '1 retracts the row'
)
ENGINE = ${replicated}ReplacingMergeTree(version, is_deleted)
ORDER BY (customer_id, journey_key)
COMMENT 'Journeys over channels. Read the view journeys.';
