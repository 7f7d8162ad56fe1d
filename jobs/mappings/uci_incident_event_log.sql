-- Updates of service incidents (ServiceNow audit log; UCI ML repository, "Incident management process enriched event
-- log", CC BY 4.0) as case events: perception replay incident_event_log.csv.gz --select uci_incident_event_log
--
-- The file is not in order of time, so arrival is ordered here. A caller is a customer, an incident is a journey;
-- '?' means not known, and the few updates without a caller get one unknown customer per incident.
WITH updates AS (
    SELECT
        *,
        lower(hex(sipHash128(*))) AS id,
        parseDateTimeOrNull(sys_updated_at, '%e/%c/%Y %H:%i', 'UTC') AS updated_at,  -- days first: 29/2/2016 01:16
        toInt32OrNull(sys_mod_count) AS modification,
        toInt32OrNull(reopen_count) AS reopenings,
        toInt32OrNull(reassignment_count) AS reassignments
    FROM input
),
changes AS (  -- counts in the log are running totals: an event says what changed
    SELECT
        *,
        reopenings > lagInFrame(reopenings, 1, reopenings) OVER incident AS reopened,
        lagInFrame(reassignments, 1, 0) OVER incident AS earlier_reassignments,
        if(reassignments IS NULL, NULL, greatest(reassignments - earlier_reassignments, 0)) AS new_transfers
    FROM updates
    WINDOW incident AS (
        PARTITION BY number ORDER BY updated_at, modification, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
)
SELECT
    id AS event_id,
    if(caller_id IN ('?', ''), concat('unknown-', number), concat('caller-', caller_id)) AS customer_id,
    toDateTime64(updated_at, 3, 'UTC') AS occurred_at,
    modification AS sequence,
    'case' AS type,
    multiIf(
        reopened, 'reopened',
        incident_state = 'New', 'opened',
        incident_state = 'Resolved', 'resolved',
        incident_state = 'Closed', 'closed',
        'updated'
    ) AS status,
    number AS journey_id,
    'incident' AS goal,
    'service_desk' AS touchpoint,
    if(contact_type = '?', '', lower(replaceAll(contact_type, ' ', '_'))) AS channel,
    if(category = '?', '', concat('category-', category)) AS reason,
    if(assignment_group = '?', '', concat('group-', assignment_group)) AS team,
    if(toInt8OrZero(priority) BETWEEN 1 AND 4, 5 - toInt8OrZero(priority), NULL) AS severity,  -- 1 critical .. 4 low
    new_transfers AS transfers,
    multiIf(reopened, false, incident_state IN ('Resolved', 'Closed'), true, NULL) AS resolved,
    mapFilter(
        (name, text) -> text NOT IN ('?', ''),
        map('state', incident_state, 'subcategory', subcategory, 'symptom', u_symptom, 'location', location,
            'closed_code', closed_code)
    ) AS attributes,
    map('made_sla', toFloat64(made_sla = 'true')) AS measures
FROM changes
ORDER BY updated_at, number, modification, event_id
