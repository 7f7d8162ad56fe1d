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
COMMENT 'One row: the values of the model in use. Weights in answers, variances in square points, half-lives in milliseconds.';

CREATE OR REPLACE VIEW perception_index${on_cluster} AS
SELECT
    dimension,
    avg(mean) AS score,
    greatest(0, score - any(interval_deviations) * sqrt((varPop(mean) + avg(variance)) / n)) AS low,
    least(100, score + any(interval_deviations) * sqrt((varPop(mean) + avg(variance)) / n)) AS high,
    count() AS n,
    avg(confidence) AS confidence,
    if(sum(p.weight) > 0, 1 - sum(p.stated) / sum(p.weight), 0) AS inferred_share,
    any(at) AS at,
    any(p.model_version) AS model_version
FROM customer_perception_at(at = (SELECT max(as_of) FROM customer_rows FINAL)) AS p
CROSS JOIN model AS m
WHERE horizon = 'relationship'
GROUP BY dimension
ORDER BY indexOf(['meets_needs', 'easy', 'enjoyable'], dimension)
COMMENT 'One row per dimension for the whole brand: the mean of its n customers'' relationship scores (points 0-100, before the pyramid) with a 90 % interval, at the moment of the newest evidence. inferred_share: part of the evidence not from answers. model_version: the model in use.';

CREATE OR REPLACE VIEW perception_index_by_segment${on_cluster} AS
SELECT
    segment,
    dimension,
    avg(mean) AS score,
    greatest(0, score - any(interval_deviations) * sqrt((varPop(mean) + avg(variance)) / n)) AS low,
    least(100, score + any(interval_deviations) * sqrt((varPop(mean) + avg(variance)) / n)) AS high,
    count() AS n,
    avg(confidence) AS confidence,
    if(sum(p.weight) > 0, 1 - sum(p.stated) / sum(p.weight), 0) AS inferred_share,
    any(at) AS at,
    any(p.model_version) AS model_version
FROM customer_perception_at(at = (SELECT max(as_of) FROM customer_rows FINAL)) AS p
CROSS JOIN model AS m
WHERE horizon = 'relationship'
GROUP BY segment, dimension
ORDER BY segment, indexOf(['meets_needs', 'easy', 'enjoyable'], dimension)
COMMENT 'One row per segment and dimension: as perception_index, for the customers of one segment.';

CREATE OR REPLACE VIEW touchpoints${on_cluster} AS
SELECT
    touchpoint,
    line.1 AS dimension,
    avg(line.2) AS score,
    if(n > 1, greatest(0, score - any(interval_deviations) * spread), NULL) AS low,
    if(n > 1, least(100, score + any(interval_deviations) * spread), NULL) AS high,
    count() AS n,
    uniqExact(customer_id) AS customers,
    if(n > 1, stddevSamp(line.2) / sqrt(least(n, customers)), NULL) AS spread,
    avg(line.5) AS confidence,
    greatest(0, least(1, 1 - sum(line.4) / sum(line.3))) AS inferred_share,
    arrayStringConcat(arraySort(groupUniqArray(made_by)), ', ') AS model_version
FROM
(
    SELECT
        customer_id,
        touchpoint,
        toString(model) AS made_by,
        arrayFilter(l -> l.3 > 0, [
            ('meets_needs', meets_needs_score, interaction_meets_needs_weight, interaction_meets_needs_stated, meets_needs_confidence),
            ('easy', easy_score, interaction_easy_weight, interaction_easy_stated, easy_confidence),
            ('enjoyable', enjoyable_score, interaction_enjoyable_weight, interaction_enjoyable_stated, enjoyable_confidence)
        ]) AS lines
    FROM interaction_rows FINAL
    WHERE touchpoint != ''
)
ARRAY JOIN lines AS line
CROSS JOIN model AS m
GROUP BY touchpoint, dimension
ORDER BY score
COMMENT 'One row per touchpoint and dimension, worst first: mean score of its n interactions with evidence (points 0-100), their distinct customers, and a 90 % interval of the mean that counts a customer once (NULL for one interaction). confidence: mean of the interactions''; inferred_share: part of their evidence not from answers; model_version: of the models that made their rows.';

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
    if(p.prior_segment = '', m.prior_mean, p.prior_of_segment) AS segment_prior,
    m.relationship_moved > 0 OR m.journey_moved > 0 AS moves,
    [meets_needs_rational, easy_rational, enjoyable_rational] AS rationals,
    arrayMap((w, e) -> if(moves, 0, greatest(w - e, 0)),
        [interaction_meets_needs_weight, interaction_easy_weight, interaction_enjoyable_weight],
        [interaction_meets_needs_stated, interaction_easy_stated, interaction_enjoyable_stated]) AS weights,
    arrayMap((w, r) -> if(moves, 0, (anchor + w) * r - anchor * segment_prior), weights, rationals) AS sums,
    arrayMap(r -> if(moves, r - segment_prior, 0), rationals) AS caused
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
        arrayMap((w, s) -> (any(m.relationship_prior_weight) * prior + s) / (any(m.relationship_prior_weight) + w),
            sumForEach(arrayMap(x -> x * relationship_decay, o.weights)),
            sumForEach(arrayMap((x, c) -> (x + m.relationship_moved * c) * relationship_decay, o.sums, o.caused))) AS relationship,
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

CREATE OR REPLACE VIEW customer_rational${on_cluster} AS
SELECT *
FROM customer_rational_at(at = now64(3, 'UTC'))
COMMENT 'One row per customer with an interaction, horizon and dimension: the rational index now, points, not clipped.';

CREATE OR REPLACE VIEW customer_perception${on_cluster} AS
SELECT p.*, if(r.customer_id = '', NULL, r.rational) AS rational
FROM customer_perception_at(at = now64(3, 'UTC')) AS p
LEFT JOIN customer_rational AS r
    ON r.customer_id = p.customer_id AND r.horizon = p.horizon AND r.dimension = p.dimension
COMMENT 'One row per customer, horizon (journey, relationship) and dimension: the shown score (points 0-100, capped by the pyramid) with its 90 % interval low .. high, confidence (share of the score that is the customer''s own evidence), inferred_share (part of the evidence not from answers) and the rational index (what observable facts alone say, points, not clipped; NULL without an interaction), now.';

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
        arrayMap((w, s, c) -> (any(anchor) * prior + s) / (any(anchor) + w) + c, sumForEach(weights), sumForEach(sums), avgForEach(caused)) AS rational
    FROM observed_evidence
    GROUP BY customer_id, journey_key
) AS i ON j.customer_id = i.customer_id AND j.journey_key = i.journey_key
COMMENT 'One row per journey, over all channels; channels and touchpoints in the order of first use; of a journey with an id, the goal is the first that its interactions name. state: open, completed or silent. Per dimension its score with a 90 % interval, confidence and inferred_share, as of interactions, and the rational index: the score from observable facts alone (with a model of causes that stay, the mean of its interactions).';
