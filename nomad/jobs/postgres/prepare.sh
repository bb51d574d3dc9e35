#!/bin/sh
# Makes a database cluster ready to be served: creates it once, then brings roles and passwords in line
# with the job's variables at every start. It runs before the server, which therefore never listens
# without them, and talks to a server of its own over a Unix socket only.
#
# Environment: PGBIN, DATA, SOCKETS (folders), HBA (a file), DATABASE, OWNER, OWNER_PASSWORD, APP,
# APP_PASSWORD.
set -eu
umask 077

mkdir -p "$SOCKETS"
if [ ! -s "$DATA/PG_VERSION" ]; then
    # An interrupted initdb must not look like a finished one: build beside it, then move.
    rm -rf "$DATA.new"
    "$PGBIN/initdb" --pgdata "$DATA.new" --username postgres --auth-local peer \
        --auth-host scram-sha-256 --encoding UTF8 --locale C.UTF-8 --data-checksums
    mv "$DATA.new" "$DATA"
fi

# No value that a database keeps reaches its log: it holds hashes of passwords, and people's own words.
# Without these lines each refused registration logs the whole INSERT, and the key that was taken.
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

# Beside the data, because PostgreSQL wants their whole names. Whoever runs this is the superuser.
cp "$HBA" "$DATA/pg_hba.conf"
echo "superuser $(id -un) postgres" >"$DATA/pg_ident.conf"

"$PGBIN/pg_ctl" start --wait --silent --pgdata "$DATA" --log "$DATA/prepare.log" \
    --options "-c listen_addresses='' -c unix_socket_directories='$SOCKETS' \
        -c dynamic_shared_memory_type=sysv"
trap '"$PGBIN/pg_ctl" stop --wait --silent --pgdata "$DATA" --mode fast' EXIT

# Passwords reach psql by the environment: arguments can be read by every user of the machine. With
# VERBOSITY terse psql does not repeat a failing line, which may hold one.
"$PGBIN/psql" --no-psqlrc --quiet --host "$SOCKETS" --username postgres --dbname postgres \
    --set ON_ERROR_STOP=1 --set VERBOSITY=terse <<'SQL'
\getenv database DATABASE
\getenv owner OWNER
\getenv owner_password OWNER_PASSWORD
\getenv app APP
\getenv app_password APP_PASSWORD

SET password_encryption = 'scram-sha-256';

SELECT format('CREATE ROLE %I LOGIN', role)
FROM unnest(ARRAY[:'owner', :'app']) AS role
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) \gexec
ALTER ROLE :"owner" PASSWORD :'owner_password';
ALTER ROLE :"app" PASSWORD :'app_password';

SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'owner')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO :"app";

\connect :"database"
ALTER SCHEMA public OWNER TO :"owner";
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"app";
-- What the owner's migrations create, the application may use but not alter.
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"app";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO :"app";
SQL
