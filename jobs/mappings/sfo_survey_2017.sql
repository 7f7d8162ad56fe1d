-- A survey of airport passengers (San Francisco International Airport, May 2017, open data): a passenger rates the parts
-- of the airport and says how likely a recommendation is (NETPRO):
-- perception replay sfo_survey_2017.csv.gz --select sfo_survey_2017
--
-- A passenger is a customer with one visit: what was rated from 1 to 5 are measures of the visit (0 is blank and 6 is
-- "never used": not given), NETPRO from 0 to 10 is the answer after it (11 is blank: no answer). INTDATE is the day of
-- the month; the time of day is that of the departure, noon where it says none, UTC. Other questions are attributes.
WITH passengers AS (
    SELECT
        *,
        toDateTime64OrNull(concat('2017-05-', leftPad(INTDATE, 2, '0'), ' 00:00:00'), 3, 'UTC') AS day,
        extractGroups(DEPTIME, '(\\d+):(\\d+):\\d+ (AM|PM)') AS departure,  -- 12/31/1899 09:30:00 AM
        toFloat64OrNull(NETPRO) AS recommends
    FROM input
)
SELECT
    concat('passenger-', RESPNUM, '-', part) AS event_id,
    concat('passenger-', RESPNUM) AS customer_id,
    day + toIntervalMinute(if(
        empty(departure),
        12 * 60,
        (toUInt16OrZero(departure[1]) % 12 + if(departure[3] = 'PM', 12, 0)) * 60 + toUInt16OrZero(departure[2])
    )) AS occurred_at,
    if(part = 'answer', 1, 0) AS sequence,
    if(part = 'answer', 'answer', 'use') AS type,
    'airport' AS channel,
    'airport' AS touchpoint,
    'visit' AS interaction_id,
    if(part = 'answer', 'nps', '') AS scale,
    if(part = 'answer', recommends, NULL) AS value,
    mapApply(
        (name, number) -> (name, assumeNotNull(number)),
        mapFilter(
            (name, number) -> part = 'visit' AND ifNull(number BETWEEN 1 AND 5, false),
            mapApply(
                (name, text) -> (name, toFloat64OrNull(text)),
                map(
                    'art', Q7ART, 'restaurants', Q7FOOD, 'shops', Q7STORE, 'signs', Q7SIGN, 'walkways', Q7WALKWAYS,
                    'screens', Q7SCREENS, 'information_lower', Q7INFODOWN, 'information_upper', Q7INFOUP,
                    'wifi', Q7WIFI, 'roads', Q7ROADS, 'parking', Q7PARK, 'airtrain', Q7AIRTRAIN,
                    'long_term_parking', Q7LTPARKING, 'rental_car', Q7RENTAL, 'overall', Q7ALL,
                    'clean_boarding', Q9BOARDING, 'clean_airtrain', Q9AIRTRAIN, 'clean_rental_car', Q9RENTAL,
                    'clean_restaurants', Q9FOOD, 'clean_restrooms', Q9RESTROOM, 'clean_overall', Q9ALL,
                    'safe', Q10SAFE, 'precheck', Q12PRECHEKCRATE, 'getting_there', Q13GETRATE,
                    'finding_the_way', Q14FIND, 'passing_security', Q14PASSTHRU
                )
            )
        )
    ) AS measures,
    mapFilter(
        (name, text) -> part = 'visit' AND text NOT IN ('', '0'),
        map(
            'airline', AIRLINE, 'boarding_area', BAREA, 'purpose', Q2PURP1, 'way_there', Q3GETTO1,
            'times_flown', Q5TIMESFLOWN, 'first_time', Q5FIRSTTIME, 'years_of_use', Q6LONGUSE,
            'security_lane', Q11TSAPRE, 'problem', Q15PROBLEM, 'lives_here', Q16LIVE, 'age', Q19AGE,
            'gender', Q20GENDER, 'income', Q21INCOME, 'flights_a_year', Q22FLY, 'language', LANG
        )
    ) AS attributes
FROM passengers
ARRAY JOIN if(recommends BETWEEN 0 AND 10, ['visit', 'answer'], ['visit']) AS part
ORDER BY occurred_at, customer_id, sequence
