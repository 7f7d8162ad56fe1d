ALTER TABLE interaction_rows${on_cluster}
    ADD COLUMN IF NOT EXISTS meets_needs_low Float64 COMMENT 'Low end of the 90 % interval of meets_needs_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS meets_needs_high Float64 COMMENT 'High end of the 90 % interval of meets_needs_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS meets_needs_confidence Float64 COMMENT 'Share of meets_needs_score that is own evidence' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS meets_needs_inferred_share Float64 COMMENT 'Part of the evidence on meets_needs that is not from answers' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS easy_low Float64 COMMENT 'Low end of the 90 % interval of easy_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS easy_high Float64 COMMENT 'High end of the 90 % interval of easy_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS easy_confidence Float64 COMMENT 'Share of easy_score that is own evidence' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS easy_inferred_share Float64 COMMENT 'Part of the evidence on easy that is not from answers' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS enjoyable_low Float64 COMMENT 'Low end of the 90 % interval of enjoyable_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS enjoyable_high Float64 COMMENT 'High end of the 90 % interval of enjoyable_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS enjoyable_confidence Float64 COMMENT 'Share of enjoyable_score that is own evidence' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS enjoyable_inferred_share Float64 COMMENT 'Part of the evidence on enjoyable that is not from answers' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS meets_needs_rational Float64 COMMENT 'Score of meets_needs from observable facts alone, points' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS easy_rational Float64 COMMENT 'Score of easy from observable facts alone, points' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS enjoyable_rational Float64 COMMENT 'Score of enjoyable from observable facts alone, points' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS unseen_service Bool COMMENT 'Had proactive service that nobody could see',
    ADD COLUMN IF NOT EXISTS model LowCardinality(String) COMMENT 'Version of the perception model that made the row';

ALTER TABLE journey_rows${on_cluster}
    ADD COLUMN IF NOT EXISTS meets_needs_low Float64 COMMENT 'Low end of the 90 % interval of meets_needs_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS meets_needs_high Float64 COMMENT 'High end of the 90 % interval of meets_needs_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS meets_needs_confidence Float64 COMMENT 'Share of meets_needs_score that is own evidence' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS meets_needs_inferred_share Float64 COMMENT 'Part of the evidence on meets_needs that is not from answers' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS easy_low Float64 COMMENT 'Low end of the 90 % interval of easy_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS easy_high Float64 COMMENT 'High end of the 90 % interval of easy_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS easy_confidence Float64 COMMENT 'Share of easy_score that is own evidence' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS easy_inferred_share Float64 COMMENT 'Part of the evidence on easy that is not from answers' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS enjoyable_low Float64 COMMENT 'Low end of the 90 % interval of enjoyable_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS enjoyable_high Float64 COMMENT 'High end of the 90 % interval of enjoyable_score, points, not clipped' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS enjoyable_confidence Float64 COMMENT 'Share of enjoyable_score that is own evidence' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS enjoyable_inferred_share Float64 COMMENT 'Part of the evidence on enjoyable that is not from answers' CODEC(ZSTD(1)),
    ADD COLUMN IF NOT EXISTS model LowCardinality(String) COMMENT 'Version of the perception model that made the row';

ALTER TABLE customer_rows${on_cluster}
    ADD COLUMN IF NOT EXISTS model LowCardinality(String) COMMENT 'Version of the perception model that made the row';
