CREATE OR REPLACE VIEW perception_gap${on_cluster} AS
SELECT
    segment,
    touchpoint,
    line.1 AS dimension,
    count() AS n,
    uniqExact(customer_id) AS customers,
    avg(line.2) AS perceived,
    avg(line.3) AS rational,
    perceived - rational AS gap,
    if(n > 1, stddevSamp(line.2 - line.3) / sqrt(least(n, customers)), NULL) AS spread,
    gap - any(interval_deviations) * spread AS low,
    gap + any(interval_deviations) * spread AS high,
    avg(line.6) AS confidence,
    greatest(0, least(1, 1 - sum(line.4) / sum(line.5))) AS inferred_share,
    arrayStringConcat(arraySort(groupUniqArray(made_by)), ', ') AS model_version
FROM
(
    SELECT
        customer_id,
        segment,
        touchpoint,
        toString(model) AS made_by,
        arrayFilter(l -> l.4 > 0, [
            ('meets_needs', meets_needs_score, meets_needs_rational, interaction_meets_needs_stated, interaction_meets_needs_weight, meets_needs_confidence),
            ('easy', easy_score, easy_rational, interaction_easy_stated, interaction_easy_weight, easy_confidence),
            ('enjoyable', enjoyable_score, enjoyable_rational, interaction_enjoyable_stated, interaction_enjoyable_weight, enjoyable_confidence)
        ]) AS lines
    FROM interaction_rows FINAL
)
ARRAY JOIN lines AS line
CROSS JOIN model AS m
GROUP BY segment, touchpoint, dimension
ORDER BY gap
COMMENT 'One row per segment, touchpoint and dimension, over the n interactions that somebody answered about: the perceived score, the rational index that observable facts alone give the same interactions, and the gap between the two (points; below 0: felt worse than it measures) with a 90 % interval that counts a customer once. Silence is no answer: interactions without one are left out. confidence: mean of the interactions''; inferred_share: part of their evidence not from answers; model_version: of the models that made their rows.';

CREATE OR REPLACE VIEW promise_gap${on_cluster} AS
SELECT
    p.customer_id AS customer_id,
    p.segment AS segment,
    p.dimension AS dimension,
    e.ads AS ads,
    e.recommendations AS recommendations,
    e.promises AS promises,
    e.ad_exposure * faded AS ad_exposure,
    e.recommendation_exposure * faded AS recommendation_exposure,
    e.promise_exposure * faded AS promise_exposure,
    exp2((toUnixTimestamp64Milli(e.as_of) - toUnixTimestamp64Milli(p.at)) / m.journey_half_life_ms) AS faded,
    p.baseline AS baseline,
    100 - (100 - p.baseline) * exp2(
        -(m.ad_lift * ad_exposure + m.recommendation_lift * recommendation_exposure + m.promise_lift * promise_exposure)
    ) AS expected,
    p.score AS perceived,
    p.low AS low,
    p.high AS high,
    expected - perceived AS gap,
    k.promised AS promised,
    k.kept AS kept,
    k.late_doublings AS late_doublings,
    p.confidence AS confidence,
    p.inferred_share AS inferred_share,
    p.at AS at,
    p.model_version AS model_version
FROM
(
    SELECT
        q.customer_id AS customer_id,
        q.segment AS segment,
        q.dimension AS dimension,
        q.score AS score,
        q.low AS low,
        q.high AS high,
        q.confidence AS confidence,
        q.inferred_share AS inferred_share,
        q.at AS at,
        q.model_version AS model_version,
        if(s.prior_segment = '', n.prior_means, s.prior_by_dimension)[indexOf(['meets_needs', 'easy', 'enjoyable'], q.dimension)] AS baseline
    FROM customer_perception_at(at = (SELECT max(as_of) FROM customer_rows FINAL)) AS q
    CROSS JOIN (SELECT prior_means FROM model) AS n
    LEFT JOIN segment_priors AS s ON s.prior_segment = q.segment
    WHERE q.horizon = 'journey'
) AS p
INNER JOIN (SELECT * FROM expectation_rows FINAL) AS e ON e.customer_id = p.customer_id
LEFT JOIN
(
    SELECT
        customer_id,
        countIf(isNotNull(took_s)) AS promised,
        countIf(took_s <= promised_s) AS kept,
        avgIf(log2(greatest(assumeNotNull(took_s) / assumeNotNull(promised_s), exp2(-20))), isNotNull(took_s)) AS late_doublings
    FROM (SELECT *, coalesce(wait_s, duration_s) AS took_s FROM interaction_rows FINAL WHERE promised_s > 0)
    GROUP BY customer_id
) AS k ON k.customer_id = p.customer_id
CROSS JOIN model AS m
COMMENT 'One row per dimension of each customer who met ads, recommendations or promises, at the moment of the newest evidence: what they were led to expect (points: from the segment''s prior mean towards 100, by the exposures that are left), what they perceive (journey), and the gap between the two; and of the interactions with a promised time how many there were, how many kept it, and by how many doublings they missed it on average (below 0: faster).';
