#!/bin/sh
# Run Barman for one database, with its password:
#
#     barman.sh DATABASE COMMAND [ARGUMENT]...
#     barman.sh DATABASE ask STATEMENT          print what the database answers
#     barman.sh DATABASE history TIMELINE       print the database's history of one of its timelines
#
# Environment: BARMAN, CONF (files), PGBIN (a folder), and a password for each database.
set -eu
case $1 in
    user-db) port=5433 role=user_backup PGPASSWORD=$USER_DB_PASSWORD ;;
    task-db) port=5434 role=task_backup PGPASSWORD=$TASK_DB_PASSWORD ;;
esac
export PGPASSWORD
shift
cd "$REPOSITORY" # the task's own folder cannot be entered by its absolute name
psql() {
    exec "$PGBIN/psql" --no-psqlrc --no-align --tuples-only --quiet --set ON_ERROR_STOP=1 \
        --host 127.0.0.1 --port "$port" --username "$role" --dbname "$1" --command "$2"
}
case $1 in
    ask) psql postgres "$2" ;;
    history) psql "dbname=postgres replication=true" "TIMELINE_HISTORY $2" ;;
esac
exec "$BARMAN" --config "$CONF" "$@"
