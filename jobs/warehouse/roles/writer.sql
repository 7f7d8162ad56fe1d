-- Inserts rows; for `perception worker` and `perception replay`. Reads what `perception doctor` compares, no customers.
CREATE ROLE IF NOT EXISTS perception_writer;
GRANT INSERT, SHOW TABLES, SHOW COLUMNS ON ${database}.* TO perception_writer;
REVOKE INSERT ON ${database}.schema_migrations FROM perception_writer;
REVOKE INSERT ON ${database}.model_parameters FROM perception_writer;
GRANT SELECT ON ${database}.schema_migrations TO perception_writer;
GRANT SELECT ON ${database}.model_parameters TO perception_writer;
