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

CREATE OR REPLACE VIEW interactions${on_cluster} AS
SELECT * EXCEPT (version, is_deleted)
FROM interaction_rows FINAL
COMMENT 'One row per two-way interaction: what happened, its evidence (weight W, sum S), and per dimension its score (points, not clipped) with a 90 % interval low .. high, confidence, inferred_share, and the rational index: the score from observable facts alone. model: version of the model that made it. Decayed sums hold what a recovery gives back.';

CREATE OR REPLACE VIEW journeys${on_cluster} AS
SELECT
    j.* EXCEPT (version, is_deleted) REPLACE (toLowCardinality(if(j.goal = '', i.named, j.goal)) AS goal),
    i.channels AS channels,
    i.touchpoints AS touchpoints
FROM (SELECT * FROM journey_rows FINAL) AS j
LEFT JOIN
(
    SELECT
        customer_id,
        journey_key,
        argMinIf(goal, (started_at, interaction_key), goal != '') AS named,
        arrayDistinct(arrayMap(x -> x.3, arraySort(groupArray((started_at, interaction_key, toString(channel)))))) AS channels,
        arrayDistinct(arrayFilter(t -> t != '', arrayMap(x -> x.3, arraySort(groupArray((started_at, interaction_key, toString(touchpoint))))))) AS touchpoints
    FROM interaction_rows FINAL
    GROUP BY customer_id, journey_key
) AS i ON j.customer_id = i.customer_id AND j.journey_key = i.journey_key
COMMENT 'One row per journey, over all channels; channels and touchpoints in the order of first use; of a journey with an id, the goal is the first that its interactions name. state: open, completed or silent. Per dimension its score with a 90 % interval, confidence and inferred_share, as of interactions.';

CREATE OR REPLACE VIEW customers${on_cluster} AS
SELECT * EXCEPT (version, is_deleted)
FROM customer_rows FINAL
COMMENT 'One row per customer: counts, and decayed evidence at as_of. Scores: customer_perception.';
