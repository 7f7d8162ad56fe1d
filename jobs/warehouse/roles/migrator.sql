-- Makes and changes tables and views; the only role that may. Used by `perception warehouse migrate`, then put away.
CREATE ROLE IF NOT EXISTS perception_migrator;
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, ALTER TABLE, ALTER VIEW, SELECT, INSERT,
    SHOW DATABASES, SHOW TABLES, SHOW COLUMNS ON ${database}.* TO perception_migrator;
