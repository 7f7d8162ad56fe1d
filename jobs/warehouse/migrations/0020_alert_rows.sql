CREATE TABLE IF NOT EXISTS alert_rows${on_cluster}
(
    alert_id String COMMENT 'One alert from its first transition to its end' CODEC(ZSTD(1)),
    sequence UInt32 COMMENT 'Number of the transition within the alert',
    fingerprint String COMMENT 'What the alert is about: the same scope again later has the same' CODEC(ZSTD(1)),
    state LowCardinality(String) COMMENT 'pending, firing, recovering, resolved or withdrawn',
    amended Bool COMMENT 'Late data or a merge changed what was said before',
    reason String COMMENT 'Why it was withdrawn, amended or resolved' CODEC(ZSTD(1)),
    detector LowCardinality(String) COMMENT 'drop, surge, no_data, customer_drop or rule',
    kind LowCardinality(String) COMMENT 'scores, answers or contacts; for a rule its name',
    grain LowCardinality(String) COMMENT 'Width of the bucket: hour or day',
    scope String COMMENT 'Labels of what it is about, JSON' CODEC(ZSTD(1)),
    channel LowCardinality(String) COMMENT 'Channel',
    segment LowCardinality(String) COMMENT 'Customer segment',
    touchpoint LowCardinality(String) COMMENT 'Where the customer met the company',
    customer_id String COMMENT 'Customer as the producers name it' CODEC(ZSTD(1)),
    dimensions String COMMENT 'Dimensions that fell, the worst first, JSON' CODEC(ZSTD(1)),
    since_at DateTime64(3, 'UTC') COMMENT 'When it began' CODEC(Delta(8), ZSTD(1)),
    at DateTime64(3, 'UTC') COMMENT 'Event time at which it was decided: the end of a bucket' CODEC(Delta(8), ZSTD(1)),
    watermark_at DateTime64(3, 'UTC') COMMENT 'Event time up to which data were complete' CODEC(Delta(8), ZSTD(1)),
    size Float64 COMMENT 'Points below the baseline; of a surge, times the usual contacts' CODEC(ZSTD(1)),
    evidence Float64 COMMENT 'Log likelihood ratio' CODEC(ZSTD(1)),
    threshold Float64 COMMENT 'Evidence at which it fires' CODEC(ZSTD(1)),
    customers UInt64 COMMENT 'Distinct customers behind it',
    expected Nullable(Float64) COMMENT 'Usual mean in points, or usual contacts' CODEC(ZSTD(1)),
    observed Nullable(Float64) COMMENT 'Mean or contacts as they came' CODEC(ZSTD(1)),
    parent String COMMENT 'alert_id of the one that speaks for this one; empty if it speaks for itself' CODEC(ZSTD(1)),
    affected String COMMENT 'Parts of the scope that are affected themselves, worst first, JSON' CODEC(ZSTD(1)),
    cause String COMMENT 'Why: verdict, mix_shift, real, contributions, signals, examples, JSON' CODEC(ZSTD(1)),
    version UInt64 COMMENT 'Of rows of equal identity the highest wins' CODEC(Delta(8), ZSTD(1))
)
ENGINE = ${replicated}ReplacingMergeTree(version)
ORDER BY (alert_id, sequence)
COMMENT 'Transitions of alerts. Read the views alerts and alert_transitions.';
