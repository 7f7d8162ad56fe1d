-- Sentiment per company and day, -1 (bad) to 1 (good), one row each (date, company, sentiment; other columns are passed
-- over): PERCEPTION_ALERTS__CUSTOMERS=1 perception replay FILE --select daily_sentiment
--
-- Serves as a pattern for any series of means or ratings without behaviour; for reviews from 1 to 5 write scale_min 1
-- and scale_max 5. A company is a touchpoint, so it is watched by itself. A row is a customer with one answer: where it
-- is the mean of many, alerts have to be allowed to rest on one "customer", as above; where every row is a person's own
-- (a review, a post), leave the setting out. An empty or unreadable date or sentiment is rejected with a reason.
SELECT
    concat(company, ' ', date, ' ', toString(row_number() OVER (PARTITION BY company, date))) AS event_id,
    event_id AS customer_id,
    parseDateTime64BestEffortOrNull(date, 3, 'UTC') AS occurred_at,
    'answer' AS type,
    company AS touchpoint,
    'rating' AS scale,
    toFloat64OrNull(sentiment) AS value,
    -1 AS scale_min,
    1 AS scale_max
FROM input
ORDER BY occurred_at, event_id
