-- What signals say of each interaction, one row per signal and dimension, before the cap.
--
-- A signal with explained share R² and shift b is a pseudo-observation of weight σ²/(V(1-R²)/R² + τ²), times the
-- dimension's share, at μ + b/R² points, when the interaction ended. What happened counts at once, what did not
-- happen (and a slope that is no loss) only when the interaction is closed; unknown is no observation. For cells
-- nothing cancels proactive service. Of M things that happened, each has 1/2 + M/4 times its parts of the extreme and of
-- the end for enjoyable.
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
            ifNull(i.resolved, false) OR i.status IN ('resolved', 'closed') AS done,
            ifNull(i.wait_s, i.duration_s) AS took_s,
            ifNull(i.duration_s, span_s) AS resolved_s,
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
            f.last_type AS last_type,
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
            ('severity', if(f.failure, toFloat64(nullIf(greatest(ifNull(f.severity, 0), 0), 0)), NULL)),
            ('wrong_bill', if(f.bill OR f.wrong_bill, toFloat64(f.wrong_bill), NULL)),
            ('competence', if(f.contact AND f.skill != '' AND f.skill_needed != '', toFloat64(f.skill != f.skill_needed), NULL)),
            (
                'price_complaint',
                if(
                    f.complaint AND f.price AND f.skill != '',
                    toFloat64(NOT (f.priced OR (f.skill = f.skill_needed))),
                    NULL
                )
            ),
            (
                'installation',
                multiIf(
                    NOT has(f.types, 'installation'), NULL,
                    f.missed, 1.,
                    f.kept, 0.,
                    f.promised AND f.took_s IS NOT NULL, toFloat64(f.took_s > f.promised_s),
                    NULL
                )
            ),
            (
                'speed',
                if(
                    hasAny(f.types, ['case', 'complaint', 'delivery', 'installation']) AND f.promised AND f.done
                        AND f.wait_s IS NULL,
                    log2(greatest(f.resolved_s / f.promised_s, exp2(-20))),
                    NULL
                )
            ),
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
            l.closed OR if(e.is_outcome, l.level > 0, shift < 0) AS certain,
            certain AND (NOT e.is_outcome OR l.level > 0 OR e.always) AS happened,
            happened AND has(e.about, toString(l.last_type)) AS last
        FROM levels AS l
        INNER JOIN oracle_effects AS e ON e.signal = l.signal
    ),
    counted AS
    (
        SELECT
            *,
            countIf(happened) OVER whole AS things,
            happened AND abs(shift) = maxIf(abs(shift), happened) OVER whole AS extreme,
            countIf(last) OVER whole AS lasts
        FROM shifted
        WINDOW whole AS (PARTITION BY customer_id, interaction_key)
    ),
    felt AS
    (
        SELECT
            *,
            extreme / countIf(extreme) OVER whole AS of_peak,
            if(lasts > 0, last / lasts, 1 / things) AS of_end,
            if(happened AND things > 1, 0.5 + things / 4 * (of_peak + of_end), 1) AS joy
        FROM counted
        WINDOW whole AS (PARTITION BY customer_id, interaction_key)
    )
SELECT
    s.customer_id AS customer_id,
    s.interaction_key AS interaction_key,
    s.ended_ms AS at_ms,
    m.answer_variance / (m.perception_variance * (1 - s.explained) / s.explained + m.interaction_prior_variance)
        * share AS weight,
    if(mapContains(m.segments, s.segment), m.segments[s.segment], m.prior_mean)
        + s.shift * if(dimension = 'enjoyable', s.joy, 1) / s.explained AS value,
    dimension,
    m.implicit_cap AS cap
FROM felt AS s
CROSS JOIN oracle_model AS m
ARRAY JOIN s.shares AS share, ['meets_needs', 'easy', 'enjoyable'] AS dimension
WHERE s.certain
