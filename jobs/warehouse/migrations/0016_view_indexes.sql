CREATE OR REPLACE VIEW perception_index${on_cluster} AS
SELECT
    dimension,
    avg(mean) AS score,
    greatest(0, score - any(interval_deviations) * sqrt((varPop(mean) + avg(variance)) / n)) AS low,
    least(100, score + any(interval_deviations) * sqrt((varPop(mean) + avg(variance)) / n)) AS high,
    count() AS n,
    avg(confidence) AS confidence,
    if(sum(p.weight) > 0, 1 - sum(p.stated) / sum(p.weight), 0) AS inferred_share,
    any(at) AS at
FROM customer_perception_at(at = (SELECT max(as_of) FROM customer_rows FINAL)) AS p
CROSS JOIN model AS m
WHERE horizon = 'relationship'
GROUP BY dimension
ORDER BY indexOf(['meets_needs', 'easy', 'enjoyable'], dimension)
COMMENT 'One row per dimension for the whole brand: the mean of its n customers'' relationship scores (points 0-100, before the pyramid) with a 90 % interval, at the moment of the newest evidence. inferred_share: part of the evidence not from answers.';

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
    any(at) AS at
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
    if(n > 1, stddevSamp(line.2) / sqrt(least(n, customers)), NULL) AS spread
FROM
(
    SELECT
        customer_id,
        touchpoint,
        arrayFilter(l -> l.3 > 0, [
            ('meets_needs', meets_needs_score, interaction_meets_needs_weight),
            ('easy', easy_score, interaction_easy_weight),
            ('enjoyable', enjoyable_score, interaction_enjoyable_weight)
        ]) AS lines
    FROM interaction_rows FINAL
    WHERE touchpoint != ''
)
ARRAY JOIN lines AS line
CROSS JOIN model AS m
GROUP BY touchpoint, dimension
ORDER BY score
COMMENT 'One row per touchpoint and dimension, worst first: mean score of its n interactions with evidence (points 0-100), their distinct customers, and a 90 % interval of the mean that counts a customer once (NULL for one interaction).';
