-- Complaints to a regulator about one company (public log of 2015: Ticket #, Customer Complaint, Received Via, City,
-- State, Zip code, Status, ts): perception replay comcast_complaints_2015.csv.gz --select comcast_complaints_2015
--
-- Serves any log with these columns. There is no customer id, so a ticket is a customer and a complaint an interaction;
-- ts is taken as UTC. How the complaint was received is the channel; what it is about stays a text.
SELECT
    concat('ticket-', `Ticket #`) AS event_id,
    concat('ticket-', `Ticket #`) AS customer_id,
    parseDateTime64BestEffortOrNull(ts, 3, 'UTC') AS occurred_at,
    'complaint' AS type,
    'complaint' AS touchpoint,
    multiIf(
        `Received Via` = 'Customer Care Call', 'phone',
        `Received Via` = 'Internet', 'web',
        lower(replaceAll(`Received Via`, ' ', '_'))
    ) AS channel,
    if(Status IN ('Closed', 'Solved'), true, NULL) AS resolved,
    mapFilter(
        (name, text) -> text != '',
        map('complaint', `Customer Complaint`, 'city', City, 'state', State, 'zip_code', `Zip code`, 'status', Status)
    ) AS attributes
FROM input
ORDER BY occurred_at, event_id
