CREATE OR REPLACE VIEW customer_alerts${on_cluster} AS
SELECT
    c.* EXCEPT (version, is_deleted, source_partition) REPLACE (JSONExtract(c.dimensions, 'Array(String)') AS dimensions)
FROM customer_alert_rows AS c FINAL
COMMENT 'One row per alert about a single customer: a fall below what is usual for that customer (customer_drop), or a rule such as low_nps, low_csat, unresolved_repeat, failed_recovery. What a later event took back is not there.';
