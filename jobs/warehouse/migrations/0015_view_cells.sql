CREATE OR REPLACE VIEW cells${on_cluster} AS
SELECT
    grain,
    scope,
    channel,
    segment,
    touchpoint,
    bucket_at,
    interactions,
    customers,
    answer_customers,
    line.1 AS dimension,
    line.2 AS n,
    if(n > 0, line.3 / n, NULL) AS mean,
    if(n > 1, sqrt(greatest(0, line.4 - line.3 * line.3 / n) / (n - 1)), NULL) AS stddev,
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
)
ARRAY JOIN lines AS line
COMMENT 'One row per grain, scope, labels, bucket and dimension, over all source partitions: n interactions with evidence, mean and standard deviation of their scores (points 0-100), and the answers apart. customers are distinct within a bucket: never add them over buckets.';
