CREATE OR REPLACE VIEW model${on_cluster} AS
SELECT
    version AS model_version,
    maxIf(value, name = 'prior_mean') AS prior_mean,
    [
        if(countIf(name = 'prior_mean/meets_needs') > 0, maxIf(value, name = 'prior_mean/meets_needs'), prior_mean),
        if(countIf(name = 'prior_mean/easy') > 0, maxIf(value, name = 'prior_mean/easy'), prior_mean),
        if(countIf(name = 'prior_mean/enjoyable') > 0, maxIf(value, name = 'prior_mean/enjoyable'), prior_mean)
    ] AS prior_means,
    maxIf(value, name = 'relationship_prior_weight') AS relationship_prior_weight,
    maxIf(value, name = 'relationship_prior_variance') AS relationship_prior_variance,
    maxIf(value, name = 'relationship_residual_variance') AS relationship_residual_variance,
    maxIf(value, name = 'relationship_half_life_ms') AS relationship_half_life_ms,
    maxIf(value, name = 'journey_prior_weight') AS journey_prior_weight,
    maxIf(value, name = 'journey_prior_variance') AS journey_prior_variance,
    maxIf(value, name = 'journey_residual_variance') AS journey_residual_variance,
    maxIf(value, name = 'journey_half_life_ms') AS journey_half_life_ms,
    maxIf(value, name = 'interaction_prior_weight') AS interaction_prior_weight,
    maxIf(value, name = 'interaction_prior_variance') AS interaction_prior_variance,
    maxIf(value, name = 'interaction_residual_variance') AS interaction_residual_variance,
    maxIf(value, name = 'relationship_moved') AS relationship_moved,
    maxIf(value, name = 'journey_moved') AS journey_moved,
    maxIf(value, name = 'ad_lift') AS ad_lift,
    maxIf(value, name = 'recommendation_lift') AS recommendation_lift,
    maxIf(value, name = 'promise_lift') AS promise_lift,
    maxIf(value, name = 'interval_deviations') AS interval_deviations,
    maxIf(value, name = 'pyramid_knee') AS pyramid_knee,
    maxIf(value, name = 'pyramid_slope') AS pyramid_slope
FROM model_parameters FINAL
WHERE version = (SELECT argMax(version, written_at) FROM model_parameters)
GROUP BY version
COMMENT 'One row: the values of the model in use. prior_means: by dimension [meets_needs, easy, enjoyable]; prior_mean is their mean. Weights in answers, variances in square points, half-lives in milliseconds.';

CREATE OR REPLACE VIEW segment_priors${on_cluster} AS
WITH
    toString(name) AS named,
    substring(named, 1, position(named, '/') - 1) AS kind
SELECT
    substring(named, position(named, '/') + 1) AS prior_segment,
    maxIf(value, kind = 'segment_prior') AS prior_of_segment,
    [
        if(countIf(kind = 'segment_prior_meets_needs') > 0, maxIf(value, kind = 'segment_prior_meets_needs'), prior_of_segment),
        if(countIf(kind = 'segment_prior_easy') > 0, maxIf(value, kind = 'segment_prior_easy'), prior_of_segment),
        if(countIf(kind = 'segment_prior_enjoyable') > 0, maxIf(value, kind = 'segment_prior_enjoyable'), prior_of_segment)
    ] AS prior_by_dimension
FROM model_parameters FINAL
WHERE version = (SELECT argMax(version, written_at) FROM model_parameters) AND kind IN ('segment_prior', 'segment_prior_meets_needs', 'segment_prior_easy', 'segment_prior_enjoyable')
GROUP BY prior_segment
COMMENT 'One row per segment that has its own prior mean, points 0-100: the mean of its dimensions, and each of them [meets_needs, easy, enjoyable].';

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
    arrayMap((w, s, p) -> (relationship_prior_weight * p + s) / (relationship_prior_weight + w), relationship_weights, relationship_sums, segment_prior) AS relationship_means,
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
    SELECT c.*, m.*, if(p.prior_segment = '', m.prior_means, p.prior_by_dimension) AS segment_prior
    FROM (SELECT * FROM customer_rows FINAL) AS c
    CROSS JOIN model AS m
    LEFT JOIN segment_priors AS p ON p.prior_segment = c.segment
)
COMMENT 'customer_perception at any moment: SELECT … FROM customer_perception_at(at = ''2026-01-31 12:00:00''). mean, variance, weight, sum and stated are uncapped.';

CREATE OR REPLACE VIEW observed_evidence${on_cluster} AS
SELECT
    i.customer_id AS customer_id,
    i.interaction_key AS interaction_key,
    i.journey_key AS journey_key,
    i.goal AS goal,
    i.channel AS channel,
    i.touchpoint AS touchpoint,
    i.segment AS segment,
    i.started_at AS started_at,
    i.ended_at AS ended_at,
    m.interaction_prior_weight AS anchor,
    if(p.prior_segment = '', m.prior_means, p.prior_by_dimension) AS segment_prior,
    m.relationship_moved > 0 OR m.journey_moved > 0 AS moves,
    [meets_needs_rational, easy_rational, enjoyable_rational] AS rationals,
    arrayMap((w, e) -> if(moves, 0, greatest(w - e, 0)),
        [interaction_meets_needs_weight, interaction_easy_weight, interaction_enjoyable_weight],
        [interaction_meets_needs_stated, interaction_easy_stated, interaction_enjoyable_stated]) AS weights,
    arrayMap((w, r, p) -> if(moves, 0, (anchor + w) * r - anchor * p), weights, rationals, segment_prior) AS sums,
    arrayMap((r, p) -> if(moves, r - p, 0), rationals, segment_prior) AS caused
FROM (SELECT * FROM interaction_rows FINAL) AS i
CROSS JOIN model AS m
LEFT JOIN segment_priors AS p ON p.prior_segment = i.segment
COMMENT 'One row per two-way interaction: its evidence from observable facts alone, weights W and sums S per dimension [meets_needs, easy, enjoyable]; with a model of causes that stay, the points that it caused instead. What rational indexes are made of.';

CREATE OR REPLACE VIEW customer_rational_at${on_cluster} AS
WITH
    exp2((toUnixTimestamp64Milli(o.ended_at) - toUnixTimestamp64Milli({at:DateTime64(3, 'UTC')})) / m.relationship_half_life_ms) AS relationship_decay,
    exp2((toUnixTimestamp64Milli(o.ended_at) - toUnixTimestamp64Milli({at:DateTime64(3, 'UTC')})) / m.journey_half_life_ms) AS journey_decay
SELECT
    customer_id,
    line.1 AS horizon,
    line.2 AS dimension,
    line.3 AS rational
FROM
(
    SELECT
        o.customer_id AS customer_id,
        argMax(o.segment_prior, (o.ended_at, o.interaction_key)) AS prior,
        arrayMap((w, s, p) -> (any(m.relationship_prior_weight) * p + s) / (any(m.relationship_prior_weight) + w),
            sumForEach(arrayMap(x -> x * relationship_decay, o.weights)),
            sumForEach(arrayMap((x, c) -> (x + m.relationship_moved * c) * relationship_decay, o.sums, o.caused)),
            prior) AS relationship,
        arrayMap((w, s, r) -> (any(m.journey_prior_weight) * r + s) / (any(m.journey_prior_weight) + w),
            sumForEach(arrayMap(x -> x * journey_decay, o.weights)),
            sumForEach(arrayMap((x, c) -> (x + m.journey_moved * c) * journey_decay, o.sums, o.caused)),
            relationship) AS journey
    FROM observed_evidence AS o
    CROSS JOIN model AS m
    GROUP BY o.customer_id
)
ARRAY JOIN arrayConcat(
    arrayMap((d, r) -> ('journey', d, r), ['meets_needs', 'easy', 'enjoyable'], journey),
    arrayMap((d, r) -> ('relationship', d, r), ['meets_needs', 'easy', 'enjoyable'], relationship)
) AS line
COMMENT 'The rational index of every customer, horizon and dimension at any moment: the mean of customer_perception_at as observable facts alone give it, without answers and amends (points, not clipped).';

CREATE OR REPLACE VIEW journeys${on_cluster} AS
SELECT
    j.* EXCEPT (version, is_deleted) REPLACE (toLowCardinality(if(j.goal = '', i.named, j.goal)) AS goal),
    i.channels AS channels,
    i.touchpoints AS touchpoints,
    if(i.customer_id = '', NULL, i.rational[1]) AS meets_needs_rational,
    if(i.customer_id = '', NULL, i.rational[2]) AS easy_rational,
    if(i.customer_id = '', NULL, i.rational[3]) AS enjoyable_rational
FROM (SELECT * FROM journey_rows FINAL) AS j
LEFT JOIN
(
    SELECT
        customer_id,
        journey_key,
        argMinIf(goal, (started_at, interaction_key), goal != '') AS named,
        arrayDistinct(arrayMap(x -> x.3, arraySort(groupArray((started_at, interaction_key, toString(channel)))))) AS channels,
        arrayDistinct(arrayFilter(t -> t != '', arrayMap(x -> x.3, arraySort(groupArray((started_at, interaction_key, toString(touchpoint))))))) AS touchpoints,
        argMax(segment_prior, (started_at, interaction_key)) AS prior,
        arrayMap((w, s, c, p) -> (any(anchor) * p + s) / (any(anchor) + w) + c, sumForEach(weights), sumForEach(sums), avgForEach(caused), prior) AS rational
    FROM observed_evidence
    GROUP BY customer_id, journey_key
) AS i ON j.customer_id = i.customer_id AND j.journey_key = i.journey_key
COMMENT 'One row per journey, over all channels; channels and touchpoints in the order of first use; of a journey with an id, the goal is the first that its interactions name. state: open, completed or silent. Per dimension its score with a 90 % interval, confidence and inferred_share, as of interactions, and the rational index: the score from observable facts alone (with a model of causes that stay, the mean of its interactions).';
