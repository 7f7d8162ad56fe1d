-- Reads; for dashboards and `perception query`. Views run with the rights of who asks: the tables are granted, too.
CREATE ROLE IF NOT EXISTS perception_reader;
GRANT SELECT, SHOW TABLES, SHOW COLUMNS ON ${database}.* TO perception_reader;
-- Original bytes of bad and late records may hold anything.
REVOKE SELECT ON ${database}.rejected_rows FROM perception_reader;
GRANT SELECT(source_topic, source_partition, source_offset, reason, message, appended_at, version)
    ON ${database}.rejected_rows TO perception_reader;
REVOKE SELECT ON ${database}.late_rows FROM perception_reader;
-- Rows of customers in the segment `restricted` (employees, public persons) are not there for readers.
CREATE ROW POLICY IF NOT EXISTS perception_reader_events ON ${database}.event_rows
    FOR SELECT USING segment != 'restricted' TO perception_reader;
CREATE ROW POLICY IF NOT EXISTS perception_reader_interactions ON ${database}.interaction_rows
    FOR SELECT USING segment != 'restricted' TO perception_reader;
CREATE ROW POLICY IF NOT EXISTS perception_reader_journeys ON ${database}.journey_rows
    FOR SELECT USING segment != 'restricted' TO perception_reader;
CREATE ROW POLICY IF NOT EXISTS perception_reader_customer_alerts ON ${database}.customer_alert_rows
    FOR SELECT USING segment != 'restricted' TO perception_reader;
CREATE ROW POLICY IF NOT EXISTS perception_reader_customers ON ${database}.customer_rows
    FOR SELECT USING segment != 'restricted' TO perception_reader;
CREATE ROW POLICY IF NOT EXISTS perception_reader_recoveries ON ${database}.recovery_rows
    FOR SELECT USING segment != 'restricted' TO perception_reader;
-- expectation_rows has no segment: a customer is known by the rows above.
CREATE ROW POLICY IF NOT EXISTS perception_reader_expectations ON ${database}.expectation_rows
    FOR SELECT USING customer_id IN (SELECT customer_id FROM ${database}.customer_rows WHERE segment != 'restricted')
    TO perception_reader;
-- An alert about one customer is there for those who may see the customer.
CREATE ROW POLICY IF NOT EXISTS perception_reader_alerts ON ${database}.alert_rows
    FOR SELECT USING segment != 'restricted' AND (customer_id = '' OR customer_id IN
    (SELECT customer_id FROM ${database}.customer_rows WHERE segment != 'restricted')) TO perception_reader;
CREATE QUOTA IF NOT EXISTS perception_reader KEYED BY user_name
    FOR INTERVAL 1 hour MAX queries = 3600, read_rows = 20000000000, execution_time = 1800 TO perception_reader;
CREATE SETTINGS PROFILE IF NOT EXISTS perception_reader
    SETTINGS readonly = 2, max_execution_time = 60, max_memory_usage = 8000000000 TO perception_reader;
