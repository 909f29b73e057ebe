-- Who may ask and how much of the server a question may take. Nobody can log in as `analyst` before an administrator gives
-- the user a password and a place to come from: ALTER USER analyst IDENTIFIED BY '…' HOST ANY;
CREATE SETTINGS PROFILE IF NOT EXISTS overgrant_analyst SETTINGS
    readonly = 2 CONST,
    final = 1,
    join_use_nulls = 1,
    prefer_column_name_to_alias = 1,
    aggregate_functions_null_for_empty = 1,
    do_not_merge_across_partitions_select_final = 1,
    union_default_mode = 'DISTINCT',
    output_format_arrow_string_as_string = 0,
    output_format_arrow_compression_method = 'none',
    max_execution_time = 60 MAX 600,
    max_memory_usage = 4000000000 MAX 8000000000,
    max_rows_to_read = 2000000000 MAX 20000000000,
    max_result_rows = 1000000 MAX 10000000,
    max_result_bytes = 1000000000 MAX 4000000000,
    max_threads = 4 MAX 8;
CREATE ROLE IF NOT EXISTS overgrant_analyst SETTINGS PROFILE 'overgrant_analyst';
GRANT SELECT, SHOW TABLES, SHOW COLUMNS ON {database}.* TO overgrant_analyst;
CREATE QUOTA IF NOT EXISTS overgrant_analyst KEYED BY user_name
    FOR INTERVAL 1 minute MAX queries = 120,
    FOR INTERVAL 1 hour MAX queries = 2000, execution_time = 1800
    TO overgrant_analyst;
CREATE USER IF NOT EXISTS analyst IDENTIFIED WITH no_password HOST NONE
    DEFAULT ROLE overgrant_analyst SETTINGS PROFILE 'overgrant_analyst';
GRANT overgrant_analyst TO analyst;
