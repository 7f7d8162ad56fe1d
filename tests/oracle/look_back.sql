-- What an interaction says in the light of the customer's others, each as it was inside its cell window: a contact is a
-- repeat if there was one about the same reason shortly before; it comes second to another channel if that was tried
-- shortly before for the same reason; it cancels visible proactive service shortly before, of its reason or journey.
WITH
    seen AS
    (
        SELECT
            customer_id,
            interaction_key,
            toString(channel) AS channel,
            journey_id,
            toString(reason) AS reason,
            started_ms,
            (started_ms, sequence, tie) AS moment,
            hasAny(types, ['call', 'chat', 'message', 'conversation', 'store_visit', 'complaint']) AS contact,
            contact OR has(types, 'browse') AS tried,
            proactive
        FROM oracle_cell_interactions
    ),
    asked AS
    (
        SELECT
            f.customer_id AS customer_id,
            f.interaction_key AS interaction_key,
            countIf(e.contact AND f.started_ms - e.started_ms <= p.repeat_window_ms) > 0 AS repeat,
            countIf(e.channel != f.channel AND f.started_ms - e.started_ms <= p.other_channel_window_ms) > 0 AS second
        FROM (SELECT * FROM seen WHERE contact AND reason != '') AS f
        INNER JOIN (SELECT * FROM seen WHERE tried AND reason != '') AS e
            ON e.customer_id = f.customer_id AND e.reason = f.reason
        CROSS JOIN oracle_policy AS p
        WHERE e.moment < f.moment
        GROUP BY customer_id, interaction_key
    ),
    followed AS
    (
        SELECT
            f.customer_id AS customer_id,
            f.interaction_key AS interaction_key,
            countIf(
                e.moment > f.moment AND e.started_ms - f.started_ms <= p.proactive_window_ms
                AND ((f.reason != '' AND e.reason = f.reason) OR (f.journey_id != '' AND e.journey_id = f.journey_id))
            ) > 0 AS cancelled
        FROM (SELECT * FROM seen WHERE proactive) AS f
        INNER JOIN (SELECT * FROM seen WHERE contact) AS e ON e.customer_id = f.customer_id
        CROSS JOIN oracle_policy AS p
        GROUP BY customer_id, interaction_key
    )
SELECT
    s.customer_id AS customer_id,
    s.interaction_key AS interaction_key,
    s.contact AND s.reason != '' AS asked,
    a.repeat AS repeat,
    a.second AS second,
    c.cancelled AS cancelled
FROM seen AS s
LEFT JOIN asked AS a ON a.customer_id = s.customer_id AND a.interaction_key = s.interaction_key
LEFT JOIN followed AS c ON c.customer_id = s.customer_id AND c.interaction_key = s.interaction_key
