CREATE OR REPLACE VIEW event_journeys${on_cluster} AS
SELECT
    e.customer_id AS customer_id,
    e.event_id AS event_id,
    e.occurred_at AS occurred_at,
    e.type AS type,
    e.channel AS channel,
    e.type IN ('ad', 'recommendation', 'promise') AS one_way,
    if(one_way OR e.occurred_at > i.ended_at, '', i.interaction_key) AS interaction_key,
    if(one_way OR e.occurred_at > i.ended_at, '', i.journey_key) AS journey_key
FROM
(
    SELECT customer_id, event_id, occurred_at, type, channel, session_key
    FROM event_rows FINAL
) AS e
ASOF LEFT JOIN
(
    SELECT customer_id, session_key, started_at, ended_at, interaction_key, journey_key
    FROM interaction_rows FINAL
) AS i
ON e.customer_id = i.customer_id AND e.session_key = i.session_key AND e.occurred_at >= i.started_at
COMMENT 'One row per event with the interaction and the journey it belongs to; both are empty for one-way events.';
