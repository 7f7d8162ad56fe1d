CREATE OR REPLACE VIEW customer_perception_at${on_cluster} AS
WITH
    exp2((toUnixTimestamp64Milli(as_of) - toUnixTimestamp64Milli({at:DateTime64(3, 'UTC')})) / relationship_half_life_ms) AS relationship_decay,
    exp2((toUnixTimestamp64Milli(as_of) - toUnixTimestamp64Milli({at:DateTime64(3, 'UTC')})) / journey_half_life_ms) AS journey_decay,
    arrayMap(x -> x * relationship_decay, [relationship_meets_needs_weight, relationship_easy_weight, relationship_enjoyable_weight]) AS relationship_weights,
    arrayMap(x -> x * relationship_decay, [relationship_meets_needs_sum, relationship_easy_sum, relationship_enjoyable_sum]) AS relationship_sums,
    arrayMap(x -> x * relationship_decay, [relationship_meets_needs_stated, relationship_easy_stated, relationship_enjoyable_stated]) AS relationship_stated,
    arrayMap(x -> x * journey_decay, [journey_meets_needs_weight, journey_easy_weight, journey_enjoyable_weight]) AS journey_weights,
    arrayMap(x -> x * journey_decay, [journey_meets_needs_sum, journey_easy_sum, journey_enjoyable_sum]) AS journey_sums,
    arrayMap(x -> x * journey_decay, [journey_meets_needs_stated, journey_easy_stated, journey_enjoyable_stated]) AS journey_stated,
    arrayMap((w, s) -> (relationship_prior_weight * segment_prior + s) / (relationship_prior_weight + w), relationship_weights, relationship_sums) AS relationship_means,
    arrayMap(w -> (relationship_prior_weight * relationship_prior_variance + w * relationship_residual_variance) / (relationship_prior_weight + w), relationship_weights) AS relationship_variances,
    arrayMap((w, s, m) -> (journey_prior_weight * m + s) / (journey_prior_weight + w), journey_weights, journey_sums, relationship_means) AS journey_means,
    arrayMap((w, v) -> (journey_prior_weight * (journey_prior_variance + v) + w * journey_residual_variance) / (journey_prior_weight + w), journey_weights, relationship_variances) AS journey_variances,
    arrayJoin(arrayConcat(
        arrayMap((d, m, v, w, s, e) -> ('journey', d, m, v, w, s, e, journey_means[1], w / (journey_prior_weight + w)), ['meets_needs', 'easy', 'enjoyable'], journey_means, journey_variances, journey_weights, journey_sums, journey_stated),
        arrayMap((d, m, v, w, s, e) -> ('relationship', d, m, v, w, s, e, relationship_means[1], w / (relationship_prior_weight + w)), ['meets_needs', 'easy', 'enjoyable'], relationship_means, relationship_variances, relationship_weights, relationship_sums, relationship_stated)
    )) AS line,
    greatest(0, least(100, line.8)) AS needs,
    if(needs <= pyramid_knee, needs, least(100, pyramid_knee + pyramid_slope * (needs - pyramid_knee))) AS cap
SELECT
    customer_id,
    segment,
    line.1 AS horizon,
    line.2 AS dimension,
    least(greatest(0, least(100, line.3)), cap) AS score,
    least(greatest(0, least(100, line.3 - interval_deviations * sqrt(line.4))), cap) AS low,
    least(greatest(0, least(100, line.3 + interval_deviations * sqrt(line.4))), cap) AS high,
    line.9 AS confidence,
    if(line.5 > 0, greatest(0, least(1, 1 - line.7 / line.5)), 0) AS inferred_share,
    line.3 AS mean,
    line.4 AS variance,
    line.5 AS weight,
    line.6 AS sum,
    line.7 AS stated,
    first_seen,
    last_seen,
    {at:DateTime64(3, 'UTC')} AS at,
    model_version
FROM
(
    SELECT c.*, m.*, if(p.prior_segment = '', m.prior_mean, p.prior_of_segment) AS segment_prior
    FROM (SELECT * FROM customer_rows FINAL) AS c
    CROSS JOIN model AS m
    LEFT JOIN segment_priors AS p ON p.prior_segment = c.segment
)
COMMENT 'customer_perception at any moment: SELECT … FROM customer_perception_at(at = ''2026-01-31 12:00:00''). mean, variance, weight, sum and stated are uncapped.';

CREATE OR REPLACE VIEW customer_perception${on_cluster} AS
SELECT *
FROM customer_perception_at(at = now64(3, 'UTC'))
COMMENT 'One row per customer, horizon (journey, relationship) and dimension: the shown score (points 0-100, capped by the pyramid) with its 90 % interval low .. high, confidence (share of the score that is the customer''s own evidence) and inferred_share (part of the evidence not from answers), now.';
