-- Each two-way event with the interaction that it is a step of.
--
-- An explicit interaction id is one thread and is never cut. All else is threaded by channel and explicit journey id,
-- and cut where an event comes later after the one before than the channel's gap. One-way events are no interaction.
-- Order within a moment: sequence, then xxh3 of the event id.
WITH
    threaded AS
    (
        SELECT
            e.*,
            toUnixTimestamp64Milli(e.occurred_at) AS at_ms,
            xxh3(e.event_id) AS tie,
            e.interaction_id != '' AS explicit,
            if(explicit, ['', '', e.interaction_id], [toString(e.channel), e.journey_id]) AS thread,
            if(mapContains(p.channel_gaps_ms, e.channel), p.channel_gaps_ms[e.channel], p.interaction_gap_ms) AS gap_ms
        FROM events AS e
        CROSS JOIN oracle_policy AS p
        WHERE e.type NOT IN ('ad', 'recommendation', 'promise')
    ),
    cut AS
    (
        SELECT
            *,
            row_number() OVER thread_so_far = 1
                OR (NOT explicit AND at_ms - lagInFrame(at_ms) OVER thread_so_far > gap_ms) AS begins
        FROM threaded
        WINDOW thread_so_far AS (
            PARTITION BY customer_id, thread ORDER BY at_ms, sequence, tie
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    ),
    numbered AS
    (
        SELECT *, sum(begins) OVER thread_so_far AS number
        FROM cut
        WINDOW thread_so_far AS (
            PARTITION BY customer_id, thread ORDER BY at_ms, sequence, tie
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        )
    ),
    placed AS
    (
        SELECT
            *,
            min(at_ms) OVER (PARTITION BY customer_id, thread, number) AS began_ms,
            row_number() OVER (PARTITION BY customer_id, thread, number ORDER BY at_ms, sequence, tie) AS place
        FROM numbered
    )
SELECT
    *,
    lower(substring(hex(SHA256(arrayStringConcat(
        if(
            explicit,
            [customer_id, 'interaction', interaction_id],
            [customer_id, 'session', toString(channel), journey_id, toString(began_ms)]
        ),
        '\x1f'
    ))), 1, 32)) AS interaction_key
FROM placed
