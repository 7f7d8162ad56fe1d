CREATE TABLE IF NOT EXISTS model_parameters${on_cluster}
(
    version String COMMENT 'Version of the perception model',
    name LowCardinality(String) COMMENT 'Name of the value; segment_prior/<segment> is a segment''s prior mean',
    value Float64 COMMENT 'The value',
    written_at DateTime64(6, 'UTC') COMMENT 'When migrate wrote it; the version written last is in use'
)
ENGINE = ${replicated}ReplacingMergeTree(written_at)
ORDER BY (version, name)
COMMENT 'Values of the perception model that the views calculate with, written by migrate: views hold no constants.';

CREATE OR REPLACE VIEW model${on_cluster} AS
SELECT
    version AS model_version,
    maxIf(value, name = 'prior_mean') AS prior_mean,
    maxIf(value, name = 'relationship_prior_weight') AS relationship_prior_weight,
    maxIf(value, name = 'relationship_prior_variance') AS relationship_prior_variance,
    maxIf(value, name = 'relationship_residual_variance') AS relationship_residual_variance,
    maxIf(value, name = 'relationship_half_life_ms') AS relationship_half_life_ms,
    maxIf(value, name = 'journey_prior_weight') AS journey_prior_weight,
    maxIf(value, name = 'journey_prior_variance') AS journey_prior_variance,
    maxIf(value, name = 'journey_residual_variance') AS journey_residual_variance,
    maxIf(value, name = 'journey_half_life_ms') AS journey_half_life_ms,
    maxIf(value, name = 'interval_deviations') AS interval_deviations,
    maxIf(value, name = 'pyramid_knee') AS pyramid_knee,
    maxIf(value, name = 'pyramid_slope') AS pyramid_slope
FROM model_parameters FINAL
WHERE version = (SELECT argMax(version, written_at) FROM model_parameters)
GROUP BY version
COMMENT 'One row: the values of the model in use. Weights in answers, variances in square points, half-lives in milliseconds.';

CREATE OR REPLACE VIEW segment_priors${on_cluster} AS
SELECT substring(name, length('segment_prior/') + 1) AS prior_segment, value AS prior_of_segment
FROM model_parameters FINAL
WHERE version = (SELECT argMax(version, written_at) FROM model_parameters) AND startsWith(name, 'segment_prior/')
COMMENT 'One row per segment that has its own prior mean, points 0-100.';
