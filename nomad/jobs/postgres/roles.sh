#!/bin/sh
# Make or update the roles of a database, their passwords and their rights:
#
#     roles.sh                            of the server on the Unix socket
#     roles.sh EVENT ROLE [CLUSTER]       as a callback of Patroni: only where the server is the primary
#
# A role without a password may not log in, and its sessions end. The owner and the application each have a
# twin, a member of them: a rotation lets them log in in turn (docs/decisions/0066-database-passwords.md).
#
# Environment: PGBIN, SOCKETS (folders), DATABASE, for each of OWNER, OWNER_TWIN, APP, APP_TWIN, BACKUP,
# MONITOR, REPLICA and REWIND the name of the role and its password (OWNER_PASSWORD, ...), SERIES and
# ROTATION (which passwords these are), and COMMIT (whether it waits for a standby: by default `local`, no).
set -eu
# The check of the member waits for this (leads.sh).
[ "$#" -eq 0 ] || echo changed 1<>"$SOCKETS/changed"
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
# VERBOSITY terse psql does not repeat a failing line, which may contain a password. A callback waits for
# no standby: there may be none that answers.
PGOPTIONS="-c synchronous_commit=${COMMIT:-local}" \
    "$PGBIN/psql" --no-psqlrc --quiet --host "$SOCKETS" --username postgres --dbname postgres \
    --set ON_ERROR_STOP=1 --set VERBOSITY=terse --set series= --set rotation=0 <<'SQL'
\getenv database DATABASE
\getenv owner OWNER
\getenv owner_password OWNER_PASSWORD
\getenv owner_twin OWNER_TWIN
\getenv owner_twin_password OWNER_TWIN_PASSWORD
\getenv app APP
\getenv app_password APP_PASSWORD
\getenv app_twin APP_TWIN
\getenv app_twin_password APP_TWIN_PASSWORD
\getenv backup BACKUP
\getenv backup_password BACKUP_PASSWORD
\getenv monitor MONITOR
\getenv monitor_password MONITOR_PASSWORD
\getenv replica REPLICA
\getenv replica_password REPLICA_PASSWORD
\getenv rewind REWIND
\getenv rewind_password REWIND_PASSWORD
\getenv series SERIES
\getenv rotation ROTATION

SET password_encryption = 'scram-sha-256';
SET client_min_messages = warning;
-- A callback and a rotation may come at the same time.
DO $$ BEGIN PERFORM pg_advisory_lock(7466); END $$;

SELECT format('CREATE ROLE %I', role)
FROM unnest(ARRAY[:'owner', :'owner_twin', :'app', :'app_twin', :'backup', :'monitor', :'replica', :'rewind'])
    AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
GRANT :"owner" TO :"owner_twin";
GRANT :"app" TO :"app_twin";
-- What the twin makes belongs to the owner.
ALTER ROLE :"owner_twin" SET role TO :"owner";
ALTER ROLE :"backup" REPLICATION;
ALTER ROLE :"replica" REPLICATION;

-- The environment of a member is from its start, and a rotation may have come since. The database says
-- which passwords it has: older ones of the same series are left alone.
SELECT coalesce(said[1] = :'series' AND said[2]::int > :'rotation'::int, false) AS is_stale
FROM regexp_match(shobj_description(to_regrole(quote_ident(:'owner')), 'pg_authid'),
    '^passwords (\w*)/(\d+)$') AS said \gset
\if :is_stale
\else
BEGIN;
SELECT CASE WHEN password = '' THEN format('ALTER ROLE %I NOLOGIN PASSWORD NULL', role)
    ELSE format('ALTER ROLE %I LOGIN PASSWORD %L', role, password) END
FROM (VALUES (:'owner', :'owner_password'), (:'owner_twin', :'owner_twin_password'),
    (:'app', :'app_password'), (:'app_twin', :'app_twin_password'), (:'backup', :'backup_password'),
    (:'monitor', :'monitor_password'), (:'replica', :'replica_password'), (:'rewind', :'rewind_password'))
    AS logins (role, password) \gexec
SELECT format('passwords %s/%s', :'series', :'rotation') AS said \gset
COMMENT ON ROLE :"owner" IS :'said';
COMMIT;
\endif
DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity JOIN pg_roles ON rolname = usename
    WHERE NOT rolcanlogin; END $$;

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
SET client_min_messages = warning;
DO $$ BEGIN PERFORM pg_advisory_lock(7466); END $$; -- the other one was that of the other database
ALTER SCHEMA public OWNER TO :"owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"app";
-- The application may use the tables of the owner's migrations, but not alter them.
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO :"app";
SQL
