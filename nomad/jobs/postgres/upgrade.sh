#!/bin/sh
# Upgrade the data of a database that does not run to another major version of PostgreSQL, as the system user
# of the database (docs/operations/upgrading.md):
#
#     upgrade.sh VOLUME VERSION [OPTION]...        OPTION: of pg_upgrade, for example --clone or --link
#
# The new data are made beside the present ones, from copies of their files, and take their place at the end.
# The present ones stay in the folder data.VERSION. After an error or an interruption call it again, or start
# the database as it was. Not after --link: then both folders have the same files.
#
# Environment: POSTGRES, the folder with the programs of each version.
set -eu
umask 077
programs=${POSTGRES-/usr/lib/postgresql}
cd "$1"
volume=$PWD
new=$2
shift 2

fail() {
    echo "$1" >&2
    exit 1
}

[ -s data/PG_VERSION ] || fail "There are no data in $volume/data."
old=$(cat data/PG_VERSION)
[ "$old" != "$new" ] || fail "The data in $volume/data are of PostgreSQL $new already."
for version in "$old" "$new"; do
    [ -x "$programs/$version/bin/postgres" ] || fail "There is no PostgreSQL $version in $programs/$version/bin."
done
[ ! -e "data.$old" ] || fail "There is already $volume/data.$old: move it away."

rm -rf data.upgrading
"$programs/$new/bin/initdb" --pgdata data.upgrading --username postgres --auth-local peer \
    --auth-host scram-sha-256 --encoding UTF8 --locale C.UTF-8 --data-checksums >/dev/null
cp data/pg_hba.conf data/pg_ident.conf data/logging.conf data.upgrading # who may connect, and as whom
cd data.upgrading
# It looks first whether it can, with both servers.
"$programs/$new/bin/pg_upgrade" --old-bindir "$programs/$old/bin" --new-bindir "$programs/$new/bin" \
    --old-datadir "$volume/data" --new-datadir "$volume/data.upgrading" --username postgres \
    --socketdir "$volume/run" "$@" >"$volume/upgrade.log" || {
    cat "$volume/upgrade.log" >&2
    # With --link, the old data end when the links are made.
    [ -e "$volume/data/global/pg_control" ] || fail "The old data cannot be used any more: restore a backup."
    fail "The data are as they were. Is the database still running?"
}
rm -f delete_old_cluster.sh # it would delete `data`, which are the new ones from here on
cd "$volume"
mv data "data.$old"
mv data.upgrading data
echo "$volume/data is of PostgreSQL $new now. What it was is in $volume/data.$old."
