-- What each interaction says about perception, one row per observation and dimension.
--
-- A signal with explained share R² and shift b is a pseudo-observation of weight σ²/(V(1-R²)/R² + τ²), times the
-- dimension's share, at μ + b/R² points, when the interaction ended. What happened counts at once, what did not
-- happen (and a slope that is no loss) only when the interaction is closed; unknown is no observation. All signals
-- of an interaction together weigh at most the cap. For cells nothing cancels proactive service. An answer counts in its own moment with its category's points.
WITH
    facts AS
    (
        SELECT
            i.*,
            hasAny(i.types, ['call', 'chat', 'message', 'conversation', 'store_visit', 'case', 'complaint']) AS contact,
            (i.ended_ms - i.started_ms) / 1000 AS span_s,
            ifNull(i.promised_s, 0) > 0 AS promised,
            hasAny(i.types, ['case', 'delivery', 'installation'])
                AND NOT ifNull(i.resolved, false) AND i.status NOT IN ('resolved', 'closed') AS pending,
            if(i.wait_s IS NULL AND pending AND span_s > i.promised_s, span_s, i.wait_s) AS waited_s,
            b.asked AS asked,
            b.repeat AS repeat,
            b.second AS second,
            i.proactive AND NOT (b.cancelled AND ${cancelling}) AS served
        FROM ${interactions} AS i
        LEFT JOIN oracle_look_back AS b ON b.customer_id = i.customer_id AND b.interaction_key = i.interaction_key
    ),
    levels AS
    (
        SELECT
            f.customer_id AS customer_id,
            f.interaction_key AS interaction_key,
            f.ended_ms AS ended_ms,
            f.closed AS closed,
            f.segment AS segment,
            line.1 AS signal,
            assumeNotNull(line.2) AS level
        FROM facts AS f
        ARRAY JOIN
        [
            ('resolved', if(f.contact, toFloat64(NOT f.resolved), NULL)),
            ('transfers', if(f.contact, toFloat64(f.transfers >= 2), NULL)),
            ('complaint', if(f.contact, toFloat64(f.complaint), NULL)),
            ('failed_payment', if(has(f.types, 'payment'), toFloat64(f.failed_payment), NULL)),
            ('refund', if(has(f.types, 'payment') OR f.refund, toFloat64(f.refund), NULL)),
            (
                'failure',
                if(hasAny(f.types, ['failure', 'use', 'delivery', 'installation']), toFloat64(f.failure), NULL)
            ),
            ('proactive', if(f.served, 1., NULL)),
            ('repeat_contact', if(f.asked, toFloat64(f.repeat), NULL)),
            ('other_channel', if(f.asked, toFloat64(f.second), NULL)),
            ('wait', if(f.promised AND f.waited_s IS NOT NULL, log2(greatest(f.waited_s / f.promised_s, exp2(-20))), NULL))
        ] AS line
        WHERE line.2 IS NOT NULL
    ),
    shifted AS
    (
        SELECT
            l.* EXCEPT (signal),
            e.*,
            if(
                e.is_outcome,
                if(l.level > 0, e.present, e.absent),
                greatest(-e.most, least(e.most, e.per_unit * (l.level - e.mean)))
            ) AS shift,
            l.closed OR if(e.is_outcome, l.level > 0, shift < 0) AS certain
        FROM levels AS l
        INNER JOIN oracle_effects AS e ON e.signal = l.signal
    ),
    implied AS
    (
        SELECT
            s.customer_id AS customer_id,
            s.interaction_key AS interaction_key,
            s.ended_ms AS at_ms,
            m.answer_variance / (m.perception_variance * (1 - s.explained) / s.explained + m.interaction_prior_variance)
                * share AS weight,
            if(mapContains(m.segments, s.segment), m.segments[s.segment], m.prior_mean) + s.shift / s.explained AS value,
            dimension,
            m.implicit_cap AS cap
        FROM shifted AS s
        CROSS JOIN oracle_model AS m
        ARRAY JOIN s.shares AS share, ['meets_needs', 'easy', 'enjoyable'] AS dimension
        WHERE s.certain
    ),
    asked AS
    (
        SELECT
            s.customer_id AS customer_id,
            s.interaction_key AS interaction_key,
            s.at_ms AS at_ms,
            s.scale AS scale,
            c.weights AS weights,
            ifNull(s.scale_min, c.worst) AS worst,
            ifNull(s.scale_max, c.best) AS best,
            floor(worst) = worst AND floor(best) = best AND best - worst < m.rating_exact_levels AS exact,
            if(exact, toInt64(best - worst) + 1, m.rating_wide_levels) AS levels,
            floor((s.value - worst) / (best - worst) * (levels - 1) + 0.5) AS nearest,
            least(levels, 1 + toInt64(greatest(0, nearest))) AS category
        FROM oracle_steps AS s
        INNER JOIN oracle_scales AS c ON c.scale = s.scale
        CROSS JOIN oracle_model AS m
        WHERE s.type = 'answer' AND s.at_ms <= s.began_ms + ${within_ms}
    ),
    answered AS
    (
        SELECT
            a.customer_id AS customer_id,
            a.interaction_key AS interaction_key,
            a.at_ms AS at_ms,
            a.weights AS weights,
            v.points AS points
        FROM asked AS a
        INNER JOIN oracle_answer_points AS v
            ON v.scale = a.scale AND v.levels = a.levels AND v.category = a.category
    )
SELECT
    customer_id,
    interaction_key,
    at_ms,
    dimension,
    weight * cap / greatest(cap, sum(weight) OVER (PARTITION BY customer_id, interaction_key, dimension)) AS weight,
    value,
    false AS stated
FROM implied
UNION ALL
SELECT customer_id, interaction_key, at_ms, dimension, weight, points AS value, true AS stated
FROM answered
ARRAY JOIN weights AS weight, ['meets_needs', 'easy', 'enjoyable'] AS dimension
