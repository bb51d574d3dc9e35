#!/bin/sh
# Make or update the roles of a database, their passwords and their rights:
#
#     roles.sh                            of the server on the Unix socket
#     roles.sh EVENT ROLE [CLUSTER]       as a callback of Patroni: only where the server is the primary
#
# Environment: PGBIN, SOCKETS (folders), DATABASE, and for each of OWNER, APP, BACKUP, MONITOR, REPLICA and
# REWIND the name of the role and its password (OWNER_PASSWORD, ...).
set -eu
[ "${2-primary}" = primary ] || exit 0

# Patroni calls it while the server still turns from a standby into the primary.
recovers() {
    answer=$("$PGBIN/psql" --no-psqlrc --no-align --tuples-only --host "$SOCKETS" --username postgres \
        --dbname postgres --command "SELECT pg_is_in_recovery()")
    [ "$answer" != f ]
}
tenths=600
while recovers; do
    tenths=$((tenths - 1))
    if [ "$tenths" -eq 0 ]; then
        echo "The server did not become the primary, so its roles were not updated." >&2
        exit 1
    fi
    sleep 0.1
done

# psql gets passwords from the environment, because every user of the machine can read arguments. With
# VERBOSITY terse psql does not repeat a failing line, which may contain a password. It waits for no
# standby: there may be none that answers.
PGOPTIONS="-c synchronous_commit=local" \
    "$PGBIN/psql" --no-psqlrc --quiet --host "$SOCKETS" --username postgres --dbname postgres \
    --set ON_ERROR_STOP=1 --set VERBOSITY=terse <<'SQL'
\getenv database DATABASE
\getenv owner OWNER
\getenv owner_password OWNER_PASSWORD
\getenv app APP
\getenv app_password APP_PASSWORD
\getenv backup BACKUP
\getenv backup_password BACKUP_PASSWORD
\getenv monitor MONITOR
\getenv monitor_password MONITOR_PASSWORD
\getenv replica REPLICA
\getenv replica_password REPLICA_PASSWORD
\getenv rewind REWIND
\getenv rewind_password REWIND_PASSWORD

SET password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I LOGIN', role)
FROM unnest(ARRAY[:'owner', :'app', :'backup', :'monitor', :'replica', :'rewind']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER ROLE :"owner" PASSWORD :'owner_password';
ALTER ROLE :"app" PASSWORD :'app_password';
ALTER ROLE :"backup" REPLICATION PASSWORD :'backup_password';
ALTER ROLE :"monitor" PASSWORD :'monitor_password';
ALTER ROLE :"replica" REPLICATION PASSWORD :'replica_password';
ALTER ROLE :"rewind" PASSWORD :'rewind_password';

-- What Barman needs beside replication, in the database `postgres`. It cannot connect to the tables'.
GRANT EXECUTE ON FUNCTION pg_backup_start(text, boolean), pg_backup_stop(boolean), pg_switch_wal(),
    pg_create_restore_point(text) TO :"backup";
GRANT pg_read_all_settings, pg_read_all_stats, pg_checkpoint TO :"backup";

-- What the exporter of metrics reads, beside views that are open to every role. With pg_monitor it could
-- read the text of all statements, and those of the user service have their values in them.
CREATE OR REPLACE FUNCTION monitor_activity()
    RETURNS TABLE (datname name, state text, count bigint, max_tx_duration float)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT datname, state, count(*), coalesce(max(extract(epoch FROM now() - xact_start)), 0)
    FROM pg_stat_activity WHERE datname IS NOT NULL AND state IS NOT NULL GROUP BY datname, state $$;
CREATE OR REPLACE FUNCTION monitor_sizes() RETURNS TABLE (datname name, size_bytes bigint)
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT datname, pg_database_size(oid) FROM pg_database WHERE NOT datistemplate $$;
REVOKE ALL ON FUNCTION monitor_activity(), monitor_sizes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION monitor_activity(), monitor_sizes() TO :"monitor";

-- What pg_rewind needs, of a member that led, at the one that leads now.
GRANT EXECUTE ON FUNCTION pg_ls_dir(text, boolean, boolean), pg_stat_file(text, boolean),
    pg_read_binary_file(text), pg_read_binary_file(text, bigint, bigint, boolean) TO :"rewind";

SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"app";

\connect :"database"
ALTER SCHEMA public OWNER TO :"owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"app";
-- The application may use the tables of the owner's migrations, but not alter them.
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO :"app";
SQL
