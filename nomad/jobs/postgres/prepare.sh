#!/bin/sh
# Prepare the data folder of a database before its server starts: make it once, with the roles, and write
# its files at every start. A folder of Patroni has its roles from Patroni's callback (roles.sh); any other
# one gets them here, from a temporary server that listens on a Unix socket only.
#
# Environment: PGBIN, DATA, SOCKETS (folders), HBA, LOGGING (files), SCRIPTS (the folder of this file), and
# what roles.sh needs.
set -eu
umask 077

mkdir -p "$SOCKETS"
if [ -s "$DATA/PG_VERSION" ]; then
    # Else the server would refuse them each time that it is started.
    data=$(cat "$DATA/PG_VERSION")
    programs=$("$PGBIN/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
    if [ "$data" != "$programs" ]; then
        echo "The data in $DATA are of PostgreSQL $data, and $PGBIN of $programs:" \
            "see docs/operations/upgrading.md." >&2
        exit 1
    fi
else
    for other in "$DATA.upgrading" "$DATA".[0-9]*; do
        if [ -e "$other" ]; then
            echo "There is $other, and no $DATA: an upgrade is not complete. See docs/operations/upgrading.md." >&2
            exit 1
        fi
    done
    # An interrupted initdb must not look like a complete one: build in a temporary folder, then rename.
    rm -rf "$DATA.new"
    "$PGBIN/initdb" --pgdata "$DATA.new" --username postgres --auth-local peer \
        --auth-host scram-sha-256 --encoding UTF8 --locale C.UTF-8 --data-checksums
    mv "$DATA.new" "$DATA"
fi

# These files are in the data folder, because PostgreSQL needs absolute names for other folders. The
# user that runs this script is the superuser.
cp "$LOGGING" "$DATA/logging.conf"
cp "$HBA" "$DATA/pg_hba.conf"
echo "superuser $(id -un) postgres" >"$DATA/pg_ident.conf"

# What Patroni keeps in each folder of its own: the settings of postgresql.conf are its matter then.
[ ! -e "$DATA/patroni.dynamic.json" ] || exit 0

grep -q "^include 'logging.conf'" "$DATA/postgresql.conf" ||
    echo "include 'logging.conf'" >>"$DATA/postgresql.conf"
"$PGBIN/pg_ctl" start --wait --silent --pgdata "$DATA" --log "$DATA/prepare.log" \
    --options "-c listen_addresses='' -c unix_socket_directories='$SOCKETS' \
        -c dynamic_shared_memory_type=sysv"
trap '"$PGBIN/pg_ctl" stop --wait --silent --pgdata "$DATA" --mode fast' EXIT
/bin/sh "$SCRIPTS/roles.sh"
