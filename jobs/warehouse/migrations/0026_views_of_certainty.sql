CREATE OR REPLACE VIEW customer_perception_history${on_cluster} AS
WITH
    toUnixTimestamp64Milli(ended_at) - toUnixTimestamp64Milli(landmark) AS age_ms,
    exp2(age_ms / relationship_half_life_ms) AS relationship_growth,
    exp2(age_ms / journey_half_life_ms) AS journey_growth,
    toUnixTimestamp64Milli(started_at) - toUnixTimestamp64Milli(ended_at) AS length_ms,
    exp2(length_ms / relationship_half_life_ms) AS relationship_oldest,
    exp2(length_ms / journey_half_life_ms) AS journey_oldest,
    [
        sum(relationship_meets_needs_weight * relationship_growth) OVER past / relationship_growth,
        sum(relationship_easy_weight * relationship_growth) OVER past / relationship_growth,
        sum(relationship_enjoyable_weight * relationship_growth) OVER past / relationship_growth
    ] AS relationship_weights,
    [
        sum(relationship_meets_needs_sum * relationship_growth) OVER past / relationship_growth,
        sum(relationship_easy_sum * relationship_growth) OVER past / relationship_growth,
        sum(relationship_enjoyable_sum * relationship_growth) OVER past / relationship_growth
    ] AS relationship_sums,
    [
        sum(greatest(relationship_oldest * interaction_meets_needs_stated, least(interaction_meets_needs_stated, relationship_meets_needs_weight - interaction_meets_needs_weight + interaction_meets_needs_stated)) * relationship_growth) OVER past / relationship_growth,
        sum(greatest(relationship_oldest * interaction_easy_stated, least(interaction_easy_stated, relationship_easy_weight - interaction_easy_weight + interaction_easy_stated)) * relationship_growth) OVER past / relationship_growth,
        sum(greatest(relationship_oldest * interaction_enjoyable_stated, least(interaction_enjoyable_stated, relationship_enjoyable_weight - interaction_enjoyable_weight + interaction_enjoyable_stated)) * relationship_growth) OVER past / relationship_growth
    ] AS relationship_stated,
    [
        sum(journey_meets_needs_weight * journey_growth) OVER past / journey_growth,
        sum(journey_easy_weight * journey_growth) OVER past / journey_growth,
        sum(journey_enjoyable_weight * journey_growth) OVER past / journey_growth
    ] AS journey_weights,
    [
        sum(journey_meets_needs_sum * journey_growth) OVER past / journey_growth,
        sum(journey_easy_sum * journey_growth) OVER past / journey_growth,
        sum(journey_enjoyable_sum * journey_growth) OVER past / journey_growth
    ] AS journey_sums,
    [
        sum(greatest(journey_oldest * interaction_meets_needs_stated, least(interaction_meets_needs_stated, journey_meets_needs_weight - interaction_meets_needs_weight + interaction_meets_needs_stated)) * journey_growth) OVER past / journey_growth,
        sum(greatest(journey_oldest * interaction_easy_stated, least(interaction_easy_stated, journey_easy_weight - interaction_easy_weight + interaction_easy_stated)) * journey_growth) OVER past / journey_growth,
        sum(greatest(journey_oldest * interaction_enjoyable_stated, least(interaction_enjoyable_stated, journey_enjoyable_weight - interaction_enjoyable_weight + interaction_enjoyable_stated)) * journey_growth) OVER past / journey_growth
    ] AS journey_stated,
    arrayMap((w, s, p) -> (relationship_prior_weight * p + s) / (relationship_prior_weight + w), relationship_weights, relationship_sums, segment_prior) AS relationship_means,
    arrayMap(w -> (relationship_prior_weight * relationship_prior_variance + w * relationship_residual_variance) / (relationship_prior_weight + w), relationship_weights) AS relationship_variances,
    arrayMap((w, s, m) -> (journey_prior_weight * m + s) / (journey_prior_weight + w), journey_weights, journey_sums, relationship_means) AS journey_means,
    arrayMap((w, v) -> (journey_prior_weight * (journey_prior_variance + v) + w * journey_residual_variance) / (journey_prior_weight + w), journey_weights, relationship_variances) AS journey_variances
SELECT
    customer_id,
    segment,
    at,
    interaction_key,
    journey_key,
    channel,
    line.1 AS horizon,
    line.2 AS dimension,
    least(greatest(0, least(100, line.3)), cap) AS score,
    least(greatest(0, least(100, line.3 - interval_deviations * sqrt(line.4))), cap) AS low,
    least(greatest(0, least(100, line.3 + interval_deviations * sqrt(line.4))), cap) AS high,
    line.8 AS confidence,
    if(line.5 > 0, greatest(0, least(1, 1 - line.9 / line.5)), 0) AS inferred_share,
    line.3 AS mean,
    line.4 AS variance,
    line.5 AS weight,
    line.6 AS sum,
    line.9 AS stated,
    greatest(0, least(100, line.7)) AS needs,
    if(needs <= pyramid_knee, needs, least(100, pyramid_knee + pyramid_slope * (needs - pyramid_knee))) AS cap,
    model_version
FROM
(
    SELECT
        customer_id, segment, ended_at AS at, interaction_key, journey_key, channel, model_version,
        interval_deviations, pyramid_knee, pyramid_slope,
        arrayConcat(
            arrayMap((d, m, v, w, s, e) -> ('journey', d, m, v, w, s, journey_means[1], w / (journey_prior_weight + w), e), ['meets_needs', 'easy', 'enjoyable'], journey_means, journey_variances, journey_weights, journey_sums, journey_stated),
            arrayMap((d, m, v, w, s, e) -> ('relationship', d, m, v, w, s, relationship_means[1], w / (relationship_prior_weight + w), e), ['meets_needs', 'easy', 'enjoyable'], relationship_means, relationship_variances, relationship_weights, relationship_sums, relationship_stated)
        ) AS lines
    FROM
    (
        SELECT i.*, m.*, if(p.prior_segment = '', m.prior_means, p.prior_by_dimension) AS segment_prior
        FROM (SELECT *, min(ended_at) OVER (PARTITION BY customer_id) AS landmark FROM interaction_rows FINAL) AS i
        CROSS JOIN model AS m
        LEFT JOIN segment_priors AS p ON p.prior_segment = i.segment
    )
    WINDOW past AS (PARTITION BY customer_id ORDER BY ended_at RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
ARRAY JOIN lines AS line
COMMENT 'One row per interaction, horizon and dimension: what customer_perception showed when the interaction had ended, from all interactions known now that had ended by then. inferred_share: part of the evidence not from answers, whose age within their interaction follows from its sums (exact but for what a recovery gives back, and for earlier steps of a journey; then it is at most that of the interaction); model_version: the model in use.';
