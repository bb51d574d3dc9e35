#!/bin/sh
# Prepare a database: create it once, and at every start update roles and passwords from the job's
# variables. This runs before the server, so the server never listens without them. It uses a temporary
# server of its own, which listens on a Unix socket only.
#
# Environment: PGBIN, DATA, SOCKETS (folders), HBA (a file), DATABASE, OWNER, OWNER_PASSWORD, APP,
# APP_PASSWORD, BACKUP, BACKUP_PASSWORD, MONITOR, MONITOR_PASSWORD.
set -eu
umask 077

mkdir -p "$SOCKETS"
if [ ! -s "$DATA/PG_VERSION" ]; then
    # An interrupted initdb must not look like a complete one: build in a temporary folder, then rename.
    rm -rf "$DATA.new"
    "$PGBIN/initdb" --pgdata "$DATA.new" --username postgres --auth-local peer \
        --auth-host scram-sha-256 --encoding UTF8 --locale C.UTF-8 --data-checksums
    mv "$DATA.new" "$DATA"
fi

# No value of a database may reach its log: values are hashes of passwords, and texts of users. Without
# these lines each refused registration logs the whole INSERT and the conflicting key.
cat >"$DATA/logging.conf" <<'CONF'
log_min_error_statement = panic         # no STATEMENT line
log_error_verbosity = terse             # no DETAIL, QUERY and CONTEXT lines
log_statement = none
log_min_duration_statement = -1
log_min_duration_sample = -1
log_transaction_sample_rate = 0
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
CONF
grep -q "^include 'logging.conf'" "$DATA/postgresql.conf" ||
    echo "include 'logging.conf'" >>"$DATA/postgresql.conf"

# These files are in the data folder, because PostgreSQL needs absolute names for other folders. The
# user that runs this script is the superuser.
cp "$HBA" "$DATA/pg_hba.conf"
echo "superuser $(id -un) postgres" >"$DATA/pg_ident.conf"

"$PGBIN/pg_ctl" start --wait --silent --pgdata "$DATA" --log "$DATA/prepare.log" \
    --options "-c listen_addresses='' -c unix_socket_directories='$SOCKETS' \
        -c dynamic_shared_memory_type=sysv"
trap '"$PGBIN/pg_ctl" stop --wait --silent --pgdata "$DATA" --mode fast' EXIT

# psql gets passwords from the environment, because every user of the machine can read arguments. With
# VERBOSITY terse psql does not repeat a failing line, which may contain a password.
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

SET password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I LOGIN', role)
FROM unnest(ARRAY[:'owner', :'app', :'backup', :'monitor']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER ROLE :"owner" PASSWORD :'owner_password';
ALTER ROLE :"app" PASSWORD :'app_password';
ALTER ROLE :"backup" REPLICATION PASSWORD :'backup_password';
ALTER ROLE :"monitor" PASSWORD :'monitor_password';

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
