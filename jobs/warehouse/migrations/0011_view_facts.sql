CREATE OR REPLACE VIEW events${on_cluster} AS
SELECT * EXCEPT (version)
FROM event_rows FINAL
COMMENT 'One row per accepted event; of conflicting duplicates the first in the log. Its interaction and journey: event_journeys.';

CREATE OR REPLACE VIEW interactions${on_cluster} AS
SELECT * EXCEPT (version, is_deleted)
FROM interaction_rows FINAL
COMMENT 'One row per two-way interaction: what happened, its evidence (weight W, sum S) and its score per dimension, points 0-100.';

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
COMMENT 'One row per journey, over all channels; channels and touchpoints in the order of first use; of a journey with an id, the goal is the first that its interactions name. state: open, completed or silent.';

CREATE OR REPLACE VIEW customers${on_cluster} AS
SELECT * EXCEPT (version, is_deleted)
FROM customer_rows FINAL
COMMENT 'One row per customer: counts, and decayed evidence at as_of. Scores: customer_perception.';

CREATE OR REPLACE VIEW service_recovery${on_cluster} AS
SELECT
    * EXCEPT (version, is_deleted),
    isNotNull(recovered_at) AS recovered,
    dateDiff('millisecond', failed_at, recovered_at) / 1000 AS recovery_s
FROM recovery_rows FINAL
COMMENT 'One row per failure: when it was fixed (NULL: not yet), how long that took in seconds, and whether the same failed again.';

CREATE OR REPLACE VIEW expectations${on_cluster} AS
SELECT * EXCEPT (version, is_deleted)
FROM expectation_rows FINAL
COMMENT 'One row per customer who met ads, recommendations or promises: counts, and exposure decayed to as_of. They never move perception.';

CREATE OR REPLACE VIEW rejected${on_cluster} AS
SELECT * EXCEPT (version) REPLACE (tryBase64Decode(key) AS key, tryBase64Decode(payload) AS payload)
FROM rejected_rows FINAL
COMMENT 'One row per record that the event contract refused, with the original bytes.';

CREATE OR REPLACE VIEW late${on_cluster} AS
SELECT * EXCEPT (version) REPLACE (tryBase64Decode(payload) AS payload)
FROM late_rows FINAL
COMMENT 'One row per valid event that came later than the allowed lateness: kept, not counted anywhere else.';
