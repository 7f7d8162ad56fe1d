CREATE OR REPLACE VIEW alert_transitions${on_cluster} AS
SELECT
    alert_id, sequence, fingerprint, state, amended, reason, detector, kind, grain, scope,
    channel, segment, touchpoint, customer_id,
    JSONExtract(t.dimensions, 'Array(String)') AS dimensions,
    since_at, at, watermark_at, size, evidence, threshold, customers, expected, observed, parent,
    JSONExtractArrayRaw(t.affected) AS affected,
    JSONExtractString(cause, 'verdict') AS verdict,
    JSONExtractFloat(cause, 'mix_shift') AS mix_shift,
    JSONExtractFloat(cause, 'real') AS real_fall,
    cause
FROM alert_rows AS t FINAL
COMMENT 'One row per transition of an alert, in the order of its sequence.';

CREATE OR REPLACE VIEW alerts${on_cluster} AS
SELECT t.*, f.fired_at AS fired_at, f.transitions AS transitions
FROM (SELECT * FROM alert_transitions ORDER BY alert_id, sequence DESC LIMIT 1 BY alert_id) AS t
INNER JOIN
(
    SELECT alert_id, if(countIf(s.state = 'firing') = 0, NULL, minIf(s.at, s.state = 'firing')) AS fired_at, count() AS transitions
    FROM alert_rows AS s FINAL
    GROUP BY alert_id
) AS f ON f.alert_id = t.alert_id
COMMENT 'One row per alert: its latest transition, and when it first fired (NULL while it is only pending). Alerts without a parent are those that page.';
