-- Interactions together with the key of their journey.
SELECT
    i.customer_id AS customer_id,
    i.interaction_key AS interaction_key,
    i.* EXCEPT (customer_id, interaction_key),
    lower(substring(hex(SHA256(arrayStringConcat(c.identity, '\x1f'))), 1, 32)) AS journey_key,
    toString(c.aim) AS aim
FROM oracle_interactions AS i
LEFT JOIN oracle_chains AS c ON c.customer_id = i.customer_id AND c.interaction_key = i.interaction_key
