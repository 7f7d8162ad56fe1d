-- What a recovery gives back of its failure, dated at the failure; the small joy of being put right; and what a failure
-- that comes again adds of the one before. They belong to the interaction that brought the recovery or the failure
-- again, and reach the customer's sums only. A failure weighs what its signal does, after the cap of the interaction as
-- it was inside the cell window.
--
-- Recoveries are matched one after the other: each closes the earliest failure that is open and no older than the
-- window, of its journey id, else of its reason unless that failure belongs to another journey id.
WITH
    marks AS
    (
        SELECT
            s.customer_id AS customer_id,
            s.interaction_key AS interaction_key,
            s.type = 'recovery' AS fix,
            s.at_ms AS at_ms,
            (s.at_ms, s.sequence, s.tie) AS moment,
            s.journey_id AS journey_id,
            toString(s.reason) AS reason,
            ifNull(s.severity, -1) AS severity
        FROM oracle_steps AS s
        WHERE s.type IN ('failure', 'recovery')
    ),
    shares AS
    (
        SELECT
            customer_id,
            interaction_key,
            mapFromArrays(groupArray(dimension), groupArray(share)) AS kept
        FROM
        (
            SELECT customer_id, interaction_key, dimension, any(cap) / greatest(any(cap), sum(weight)) AS share
            FROM oracle_cell_signals
            GROUP BY customer_id, interaction_key, dimension
        )
        GROUP BY customer_id, interaction_key
    ),
    weighed AS
    (
        SELECT
            f.customer_id AS customer_id,
            f.interaction_key AS interaction_key,
            f.at_ms AS at_ms,
            f.moment AS moment,
            f.journey_id AS journey_id,
            f.reason AS reason,
            f.severity AS severity,
            arrayMap(
                (d, part) -> if(mapContains(k.kept, d), k.kept[d], 1.) * part * m.answer_variance
                    / (m.perception_variance * (1 - e.explained) / e.explained + m.interaction_prior_variance),
                ['meets_needs', 'easy', 'enjoyable'], e.shares
            ) AS weights,
            if(mapContains(m.segments, i.segment), m.segments[i.segment], m.prior_mean) AS prior,
            prior + e.present / e.explained AS points
        FROM (SELECT * FROM marks WHERE NOT fix) AS f
        INNER JOIN oracle_cell_interactions AS i
            ON i.customer_id = f.customer_id AND i.interaction_key = f.interaction_key
        LEFT JOIN shares AS k ON k.customer_id = f.customer_id AND k.interaction_key = f.interaction_key
        CROSS JOIN (SELECT * FROM oracle_effects WHERE signal = 'failure') AS e
        CROSS JOIN oracle_model AS m
    ),
    queued AS
    (
        SELECT
            customer_id,
            arrayMap(
                x -> (x.2, x.3, x.4, x.5, x.6),
                arraySort(x -> x.1, groupArray((moment, fix, at_ms, journey_id, reason, interaction_key)))
            ) AS queue,
            arraySort(groupArray(moment)) AS moments
        FROM marks
        GROUP BY customer_id
    ),
    matched AS
    (
        SELECT
            customer_id,
            moments[pair.1] AS failed,
            moments[pair.2] AS fixed,
            queue[pair.2].5 AS interaction_key,
            queue[pair.2].2 AS fixed_ms
        FROM
        (
            SELECT
                q.customer_id AS customer_id,
                q.queue AS queue,
                q.moments AS moments,
                arrayFold(
                    (told, place) -> if(
                        NOT q.queue[place].1,
                        (arrayPushBack(told.1, place), told.2),
                        (
                            arrayFilter(
                                f -> f != arrayElement(
                                    arrayConcat(
                                        arrayFilter(
                                            o -> q.queue[o].2 >= q.queue[place].2 - p.failure_retention_ms
                                                AND q.queue[place].3 != '' AND q.queue[o].3 = q.queue[place].3,
                                            told.1
                                        ),
                                        arrayFilter(
                                            o -> q.queue[o].2 >= q.queue[place].2 - p.failure_retention_ms
                                                AND q.queue[o].4 = q.queue[place].4
                                                AND (q.queue[o].3 = '' OR q.queue[place].3 = ''),
                                            told.1
                                        )
                                    ),
                                    1
                                ),
                                told.1
                            ),
                            arrayPushBack(
                                told.2,
                                (
                                    arrayElement(
                                        arrayConcat(
                                            arrayFilter(
                                                o -> q.queue[o].2 >= q.queue[place].2 - p.failure_retention_ms
                                                    AND q.queue[place].3 != '' AND q.queue[o].3 = q.queue[place].3,
                                                told.1
                                            ),
                                            arrayFilter(
                                                o -> q.queue[o].2 >= q.queue[place].2 - p.failure_retention_ms
                                                    AND q.queue[o].4 = q.queue[place].4
                                                    AND (q.queue[o].3 = '' OR q.queue[place].3 = ''),
                                                told.1
                                            )
                                        ),
                                        1
                                    ),
                                    place
                                )
                            )
                        )
                    ),
                    arrayMap(x -> toUInt64(x), arrayEnumerate(q.queue)),
                    CAST(([], []), 'Tuple(Array(UInt64), Array(Tuple(UInt64, UInt64)))')
                ).2 AS pairs
            FROM queued AS q
            CROSS JOIN oracle_policy AS p
        )
        ARRAY JOIN pairs AS pair
        WHERE pair.1 > 0
    ),
    followed AS
    (
        SELECT
            w.* EXCEPT (interaction_key),
            w.interaction_key AS interaction_key,
            count() OVER same_reason > 0 AS again,
            last_value(at_ms) OVER same_thread AS earlier_ms,
            last_value(weights) OVER same_thread AS earlier_weights,
            last_value(points) OVER same_thread AS earlier_points,
            count() OVER same_thread > 0 AND at_ms - earlier_ms <= p.failure_retention_ms AS repeats,
            last_value(at_ms) OVER same_reason AS last_ms,
            again AND at_ms - last_ms <= p.failure_retention_ms AS seen_before
        FROM weighed AS w
        CROSS JOIN oracle_policy AS p
        WINDOW
            same_reason AS (
                PARTITION BY customer_id, reason ORDER BY moment ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ),
            same_thread AS (
                PARTITION BY customer_id, journey_id, if(journey_id = '', reason, '') ORDER BY moment
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            )
    ),
    given AS
    (
        SELECT
            f.customer_id AS customer_id,
            c.interaction_key AS interaction_key,
            f.at_ms AS at_ms,
            arrayMap(w -> -m.returned * exp2((f.at_ms - c.fixed_ms) / m.recovery_half_life_ms) * w, f.weights) AS weights,
            f.points AS points
        FROM followed AS f
        INNER JOIN matched AS c ON c.customer_id = f.customer_id AND c.failed = f.moment
        CROSS JOIN oracle_model AS m
        UNION ALL
        SELECT f.customer_id, c.interaction_key, c.fixed_ms, [0., 0., m.bonus_weight], f.prior + m.bonus_points
        FROM followed AS f
        INNER JOIN matched AS c ON c.customer_id = f.customer_id AND c.failed = f.moment
        CROSS JOIN oracle_model AS m
        WHERE NOT f.seen_before AND f.severity < m.severe_from
        UNION ALL
        SELECT f.customer_id, f.interaction_key, f.at_ms, arrayMap(w -> m.again * w, f.earlier_weights), f.earlier_points
        FROM followed AS f
        CROSS JOIN oracle_model AS m
        WHERE f.repeats
    )
SELECT customer_id, interaction_key, at_ms, dimension, weight, points AS value
FROM given
ARRAY JOIN weights AS weight, ['meets_needs', 'easy', 'enjoyable'] AS dimension
