CREATE TABLE IF NOT EXISTS customer_rows${on_cluster}
(
    customer_id String COMMENT 'Customer as the producers name it' CODEC(ZSTD(1)),
    segment LowCardinality(String) COMMENT 'Customer segment',
    first_seen DateTime64(3, 'UTC') COMMENT 'First event' CODEC(Delta(8), ZSTD(1)),
    last_seen DateTime64(3, 'UTC') COMMENT 'Last event' CODEC(Delta(8), ZSTD(1)),
    as_of DateTime64(3, 'UTC') COMMENT 'Moment that the decayed sums refer to' CODEC(Delta(8), ZSTD(1)),
    events UInt64 COMMENT 'Number of events',
    interactions UInt64 COMMENT 'Number of interactions',
    answers UInt64 COMMENT 'Number of explicit answers',
    journey_meets_needs_weight Float64 COMMENT 'Evidence W on meets_needs, decayed with the journey half-life' CODEC(ZSTD(1)),
    journey_meets_needs_sum Float64 COMMENT 'Evidence S = sum of weight times points on meets_needs, decayed with the journey half-life' CODEC(ZSTD(1)),
    journey_meets_needs_stated Float64 COMMENT 'Part of W from answers on meets_needs, decayed with the journey half-life' CODEC(ZSTD(1)),
    journey_easy_weight Float64 COMMENT 'Evidence W on easy, decayed with the journey half-life' CODEC(ZSTD(1)),
    journey_easy_sum Float64 COMMENT 'Evidence S = sum of weight times points on easy, decayed with the journey half-life' CODEC(ZSTD(1)),
    journey_easy_stated Float64 COMMENT 'Part of W from answers on easy, decayed with the journey half-life' CODEC(ZSTD(1)),
    journey_enjoyable_weight Float64 COMMENT 'Evidence W on enjoyable, decayed with the journey half-life' CODEC(ZSTD(1)),
    journey_enjoyable_sum Float64 COMMENT 'Evidence S = sum of weight times points on enjoyable, decayed with the journey half-life' CODEC(ZSTD(1)),
    journey_enjoyable_stated Float64 COMMENT 'Part of W from answers on enjoyable, decayed with the journey half-life' CODEC(ZSTD(1)),
    relationship_meets_needs_weight Float64 COMMENT 'Evidence W on meets_needs, decayed with the relationship half-life' CODEC(ZSTD(1)),
    relationship_meets_needs_sum Float64 COMMENT 'Evidence S = sum of weight times points on meets_needs, decayed with the relationship half-life' CODEC(ZSTD(1)),
    relationship_meets_needs_stated Float64 COMMENT 'Part of W from answers on meets_needs, decayed with the relationship half-life' CODEC(ZSTD(1)),
    relationship_easy_weight Float64 COMMENT 'Evidence W on easy, decayed with the relationship half-life' CODEC(ZSTD(1)),
    relationship_easy_sum Float64 COMMENT 'Evidence S = sum of weight times points on easy, decayed with the relationship half-life' CODEC(ZSTD(1)),
    relationship_easy_stated Float64 COMMENT 'Part of W from answers on easy, decayed with the relationship half-life' CODEC(ZSTD(1)),
    relationship_enjoyable_weight Float64 COMMENT 'Evidence W on enjoyable, decayed with the relationship half-life' CODEC(ZSTD(1)),
    relationship_enjoyable_sum Float64 COMMENT 'Evidence S = sum of weight times points on enjoyable, decayed with the relationship half-life' CODEC(ZSTD(1)),
    relationship_enjoyable_stated Float64 COMMENT 'Part of W from answers on enjoyable, decayed with the relationship half-life' CODEC(ZSTD(1)),
    source_partition Int32 COMMENT 'Kafka partition',
    version UInt64 COMMENT 'Of rows of equal identity the highest wins' CODEC(Delta(8), ZSTD(1)),
    is_deleted UInt8 COMMENT '1 retracts the row'
)
ENGINE = ${replicated}ReplacingMergeTree(version, is_deleted)
ORDER BY customer_id
COMMENT 'Decayed sums of evidence per customer. Read the view customer_perception.';
