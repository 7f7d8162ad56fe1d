-- Telephone calls that customers rated in an app (TRAI MyCall, open government data: Operator,
-- Indoor_Outdoor_Travelling, Network Type, Rating, Call Drop Category, Latitude, Longitude, State Name):
-- perception replay trai_mycall_2018_04.csv.gz --select trai_mycall_2018_04
--
-- There is no customer id, so a row is a customer with one call and one rating; equal rows are told apart by a number.
-- Nor is there a time: the log is that of April 2018, and every call is put in the middle of it. How the call went is
-- its outcome; what is known of the network and the place stays with the call. The rating has to be from 1 to 5:
-- another one gives the call alone.
WITH calls AS (
    SELECT *, lower(hex(sipHash128(*))) AS content, row_number() OVER (PARTITION BY content) AS number
    FROM input
)
SELECT
    concat(content, '-', toString(number), '-', part) AS event_id,
    concat('caller-', content, '-', toString(number)) AS customer_id,
    toDateTime64('2018-04-15 12:00:00', 3, 'UTC') AS occurred_at,
    part AS type,
    if(part = 'answer', 1, 0) AS sequence,
    'phone' AS channel,
    'call' AS touchpoint,
    'call' AS interaction_id,
    if(part = 'call', lower(replaceAll(`Call Drop Category`, ' ', '_')), '') AS outcome,
    if(part = 'answer', 'rating', '') AS scale,
    if(part = 'answer', toFloat64OrNull(Rating), NULL) AS value,
    if(part = 'answer', 1, NULL) AS scale_min,
    if(part = 'answer', 5, NULL) AS scale_max,
    mapFilter(
        (name, text) -> part = 'call' AND text NOT IN ('', 'Unknown'),
        map('operator', Operator, 'place', Indoor_Outdoor_Travelling, 'network', `Network Type`, 'state', `State Name`)
    ) AS attributes
FROM calls
ARRAY JOIN if(toFloat64OrNull(Rating) BETWEEN 1 AND 5, ['call', 'answer'], ['call']) AS part
ORDER BY customer_id, sequence
