CREATE OR REPLACE VIEW cell_evidence${on_cluster} AS
SELECT
    form.1 AS grain,
    form.2 AS scope,
    if(form.3, k.channel, '') AS channel,
    if(form.4, k.segment, '') AS segment,
    if(form.5, k.touchpoint, '') AS touchpoint,
    if(form.1 = 'hour', k.hour_at, fromUnixTimestamp64Milli(toUnixTimestamp64Milli(k.hour_at) - positiveModulo(toUnixTimestamp64Milli(k.hour_at), 86400000), 'UTC')) AS bucket_at,
    sumForEach(k.weights) AS weights,
    sumForEach(k.stated) AS stated,
    sumForEach(k.sure) AS sure,
    sumForEach(k.told) AS told,
    arrayStringConcat(arraySort(groupUniqArrayArray(k.made_by)), ', ') AS model_version
FROM
(
    SELECT
        toString(i.channel) AS channel,
        toString(i.segment) AS segment,
        toString(i.touchpoint) AS touchpoint,
        fromUnixTimestamp64Milli(toUnixTimestamp64Milli(i.started_at) - positiveModulo(toUnixTimestamp64Milli(i.started_at), 3600000), 'UTC') AS hour_at,
        [sum(interaction_meets_needs_weight), sum(interaction_easy_weight), sum(interaction_enjoyable_weight)] AS weights,
        [sum(interaction_meets_needs_stated), sum(interaction_easy_stated), sum(interaction_enjoyable_stated)] AS stated,
        [sumIf(meets_needs_confidence, interaction_meets_needs_weight > 0), sumIf(easy_confidence, interaction_easy_weight > 0), sumIf(enjoyable_confidence, interaction_enjoyable_weight > 0)] AS sure,
        [countIf(interaction_meets_needs_weight > 0), countIf(interaction_easy_weight > 0), countIf(interaction_enjoyable_weight > 0)] AS told,
        groupUniqArray(toString(i.model)) AS made_by
    FROM interaction_rows AS i FINAL
    GROUP BY channel, segment, touchpoint, hour_at
) AS k
ARRAY JOIN arrayFlatten(arrayMap(g -> arrayMap(s -> (g, s.1, s.2, s.3, s.4), [
    ('all', false, false, false),
    ('channel', true, false, false),
    ('segment', false, true, false),
    ('touchpoint', false, false, true),
    ('channel_segment', true, true, false),
    ('channel_touchpoint', true, false, true),
    ('segment_touchpoint', false, true, true)
]), ['hour', 'day'])) AS form
GROUP BY grain, scope, channel, segment, touchpoint, bucket_at
COMMENT 'One row per grain, scope, labels and bucket: what the scores of cells rest on, per dimension [meets_needs, easy, enjoyable]. weights: evidence of its interactions, stated: the part of it from answers, told: interactions with evidence, sure: the sum of their confidence. model_version: of the models that made their rows.';

CREATE OR REPLACE VIEW cells${on_cluster} AS
SELECT
    c.grain AS grain,
    c.scope AS scope,
    c.channel AS channel,
    c.segment AS segment,
    c.touchpoint AS touchpoint,
    c.bucket_at AS bucket_at,
    c.interactions AS interactions,
    c.customers AS customers,
    c.answer_customers AS answer_customers,
    line.1 AS dimension,
    line.2 AS n,
    if(n > 0, line.3 / n, NULL) AS mean,
    if(n > 1, sqrt(greatest(0, line.4 - line.3 * line.3 / n) / (n - 1)), NULL) AS stddev,
    if(n > 1, greatest(0, mean - m.interval_deviations * stddev / sqrt(least(n, toFloat64(customers)))), NULL) AS low,
    if(n > 1, least(100, mean + m.interval_deviations * stddev / sqrt(least(n, toFloat64(customers)))), NULL) AS high,
    if(e.told[line.8] > 0, e.sure[line.8] / e.told[line.8], NULL) AS confidence,
    if(e.weights[line.8] > 0, greatest(0, least(1, 1 - e.stated[line.8] / e.weights[line.8])), NULL) AS inferred_share,
    line.5 AS answers,
    if(answers > 0, line.6 / answers, NULL) AS answer_mean,
    if(answers > 1, sqrt(greatest(0, line.7 - line.6 * line.6 / answers) / (answers - 1)), NULL) AS answer_stddev,
    e.model_version AS model_version
FROM
(
    SELECT
        grain, scope, channel, segment, touchpoint, bucket_at,
        sum(t.interactions) AS interactions,
        sum(t.customers) AS customers,
        sum(t.answer_customers) AS answer_customers,
        [
            ('meets_needs', sum(meets_needs_n), sum(meets_needs_sum), sum(meets_needs_sumsq), sum(meets_needs_answers), sum(meets_needs_answer_sum), sum(meets_needs_answer_sumsq), 1),
            ('easy', sum(easy_n), sum(easy_sum), sum(easy_sumsq), sum(easy_answers), sum(easy_answer_sum), sum(easy_answer_sumsq), 2),
            ('enjoyable', sum(enjoyable_n), sum(enjoyable_sum), sum(enjoyable_sumsq), sum(enjoyable_answers), sum(enjoyable_answer_sum), sum(enjoyable_answer_sumsq), 3)
        ] AS lines
    FROM cell_rows AS t FINAL
    GROUP BY grain, scope, channel, segment, touchpoint, bucket_at
) AS c
ARRAY JOIN c.lines AS line
LEFT JOIN cell_evidence AS e
    ON e.grain = c.grain AND e.scope = c.scope AND e.channel = c.channel AND e.segment = c.segment
    AND e.touchpoint = c.touchpoint AND e.bucket_at = c.bucket_at
CROSS JOIN model AS m
COMMENT 'One row per grain, scope, labels, bucket and dimension, over all source partitions: n interactions with evidence, mean and standard deviation of their scores (points 0-100) with a 90 % interval low .. high of the mean that counts a customer once (NULL for one interaction), and the answers apart. confidence: mean of the interactions''; inferred_share: part of their evidence not from answers; model_version: of the models that made their rows (cell_evidence). customers are distinct within a bucket: never add them over buckets.';
