CREATE OR REPLACE VIEW cell_evidence${on_cluster} AS
SELECT
    form.1 AS grain,
    form.2 AS scope,
    if(form.3, k.channel, '') AS channel,
    if(form.4, k.segment, '') AS segment,
    if(form.5, k.touchpoint, '') AS touchpoint,
    if(form.1 = 'hour', k.hour_at, fromUnixTimestamp64Milli(toUnixTimestamp64Milli(k.hour_at) - positiveModulo(toUnixTimestamp64Milli(k.hour_at), 86400000), 'UTC')) AS bucket_at,
    line.1 AS dimension,
    sum(line.2) AS weight,
    if(sum(line.5) > 0, sum(line.4) / sum(line.5), NULL) AS confidence,
    if(weight > 0, greatest(0, least(1, 1 - sum(line.3) / weight)), NULL) AS inferred_share,
    arrayStringConcat(arraySort(groupUniqArrayArray(k.made_by)), ', ') AS model_version
FROM
(
    SELECT
        toString(i.channel) AS channel,
        toString(i.segment) AS segment,
        toString(i.touchpoint) AS touchpoint,
        fromUnixTimestamp64Milli(toUnixTimestamp64Milli(i.started_at) - positiveModulo(toUnixTimestamp64Milli(i.started_at), 3600000), 'UTC') AS hour_at,
        [
            ('meets_needs', sum(interaction_meets_needs_weight), sum(interaction_meets_needs_stated), sumIf(meets_needs_confidence, interaction_meets_needs_weight > 0), countIf(interaction_meets_needs_weight > 0)),
            ('easy', sum(interaction_easy_weight), sum(interaction_easy_stated), sumIf(easy_confidence, interaction_easy_weight > 0), countIf(interaction_easy_weight > 0)),
            ('enjoyable', sum(interaction_enjoyable_weight), sum(interaction_enjoyable_stated), sumIf(enjoyable_confidence, interaction_enjoyable_weight > 0), countIf(interaction_enjoyable_weight > 0))
        ] AS lines,
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
ARRAY JOIN k.lines AS line
GROUP BY grain, scope, channel, segment, touchpoint, bucket_at, dimension
COMMENT 'One row per grain, scope, labels, bucket and dimension: what the scores of cells rest on. weight: evidence of its interactions; confidence: mean of those with evidence; inferred_share: part of the evidence not from answers; model_version: of the models that made their rows. Computed from all interactions when it is read: join it where it is needed, not into every dashboard.';

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
    line.5 AS answers,
    if(answers > 0, line.6 / answers, NULL) AS answer_mean,
    if(answers > 1, sqrt(greatest(0, line.7 - line.6 * line.6 / answers) / (answers - 1)), NULL) AS answer_stddev
FROM
(
    SELECT
        grain, scope, channel, segment, touchpoint, bucket_at,
        sum(t.interactions) AS interactions,
        sum(t.customers) AS customers,
        sum(t.answer_customers) AS answer_customers,
        [
            ('meets_needs', sum(meets_needs_n), sum(meets_needs_sum), sum(meets_needs_sumsq), sum(meets_needs_answers), sum(meets_needs_answer_sum), sum(meets_needs_answer_sumsq)),
            ('easy', sum(easy_n), sum(easy_sum), sum(easy_sumsq), sum(easy_answers), sum(easy_answer_sum), sum(easy_answer_sumsq)),
            ('enjoyable', sum(enjoyable_n), sum(enjoyable_sum), sum(enjoyable_sumsq), sum(enjoyable_answers), sum(enjoyable_answer_sum), sum(enjoyable_answer_sumsq))
        ] AS lines
    FROM cell_rows AS t FINAL
    GROUP BY grain, scope, channel, segment, touchpoint, bucket_at
) AS c
ARRAY JOIN c.lines AS line
CROSS JOIN model AS m
COMMENT 'One row per grain, scope, labels, bucket and dimension, over all source partitions: n interactions with evidence, mean and standard deviation of their scores (points 0-100) with a 90 % interval low .. high of the mean that counts a customer once (NULL for one interaction), and the answers apart. Their confidence, inferred share and model version: cell_evidence. customers are distinct within a bucket: never add them over buckets.';
