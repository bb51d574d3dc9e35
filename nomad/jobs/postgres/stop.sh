#!/bin/sh
# Stop the server of a member that leads, with no commit under way. Patroni calls it (before_stop) and then
# stops the server itself, whatever became of this: but it looks whether it has stopped only once a second,
# and PostgreSQL needs a tenth of one. No other member may lead before.
#
# A commit that waits for a standby would get no answer, so its client could not know what became of it. So
# this first takes a lock that waits for all writers, and that all later ones wait for. It keeps the lock until
# their sessions have ended, with an error that says that they did nothing (57P01): the services send them
# again, to the next leader. A writer that takes longer is not waited for. A running autovacuum has no writes to
# finish: PostgreSQL ends it, but only when the lock has waited as long as deadlock_timeout (by default 1 s).
#
# Environment: PGBIN, DATA, SOCKETS (folders), DATABASE, and LOCK_LIMIT (for the writers) and LIMIT (seconds, of
# all this) in place of the limits here.
set -eu
export PGOPTIONS="-c lock_timeout=${LOCK_LIMIT-500ms} -c deadlock_timeout=50ms"
# Patroni may need to stop a server that answers nobody.
exec timeout "${LIMIT-3}" "$PGBIN/psql" --no-psqlrc --quiet --host "$SOCKETS" --username postgres --dbname "$DATABASE" \
    --set VERBOSITY=terse <<'SQL'
SELECT pg_is_in_recovery() AS copies \gset
\if :copies
    \quit
\endif
BEGIN;
-- The oldest first, as writers do: they change a table before those that its triggers fill.
SELECT format('LOCK TABLE %s IN SHARE MODE',
    string_agg(format('%I.%I', schemaname, relname), ', ' ORDER BY relid))
FROM pg_stat_user_tables \gexec
-- From here on the server takes no new sessions.
\! "$PGBIN/pg_ctl" stop --silent --pgdata "$DATA" --mode smart --no-wait
DO $$ BEGIN
    LOOP
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid();
        EXIT WHEN NOT FOUND;
        PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
    END LOOP;
END $$;
\! "$PGBIN/pg_ctl" stop --silent --pgdata "$DATA" --mode fast --timeout 2
SQL
