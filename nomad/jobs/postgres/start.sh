#!/bin/bash
# Start a member of a database: Patroni, whose child is PostgreSQL.
#
# Patroni makes no new database by itself: an interrupted one would be in its way. This script makes it, on
# the first machine and only while Consul knows none of this name. A data folder of an earlier version,
# which ran PostgreSQL alone, is taken over as it is. Other members copy the leader. In a restore they wait
# for the first one: else one of them could lead with the data from before.
#
# Environment: that of prepare.sh, and PATRONI (a virtual environment), CLUSTER (a name), MEMBER (a number),
# CONSUL_TOKEN. Descriptor 9 is the file of Patroni's settings.
set -eu
umask 077

# Print the status of Consul's answer for a key of the database.
ask_consul() {
    exec 3<>/dev/tcp/127.0.0.1/8500 || return
    printf 'GET /v1/kv/service/%s/%s HTTP/1.1\r\nHost: consul\r\nConnection: close\r\nX-Consul-Token: %s\r\n\r\n' \
        "$CLUSTER" "$1" "$CONSUL_TOKEN" >&3
    read -r _ status _ <&3
    exec 3>&-
    echo "$status"
}

# Whether no restore goes on, or the first machine leads already.
may_follow() {
    [ "$(ask_consul restoring 2>/dev/null)" = 404 ] || [ "$(ask_consul leader 2>/dev/null)" = 200 ]
}

mkdir -p "$SOCKETS"
# The sidecar, which leads to Consul, starts at the same time; and Consul may have no leader yet.
for ((attempt = 0; ; attempt++)); do
    # This key says which database there is.
    status=$(ask_consul initialize 2>/dev/null) || status=none
    case $MEMBER-$status in
        1-200 | 1-404) break ;;
        *-200) if may_follow; then break; fi ;;
    esac
    if [ "$attempt" -ge 600 ]; then
        echo "Consul does not know the database yet, or does not answer Patroni: $status." >&2
        exit 1
    fi
    sleep 0.1
done
if [ "$status" = 404 ] && [ "$MEMBER" = 1 ] || [ -e "$DATA/patroni.dynamic.json" ]; then
    /bin/sh "$SCRIPTS/prepare.sh"
fi
# Patroni and PostgreSQL enter their working folder by its absolute name: that of the task they cannot.
PATRONI_CONFIGURATION=$(cat <&9)
exec 9<&-
export PATRONI_CONFIGURATION TZ=UTC # of Patroni's log
cp "$SCRIPTS/roles.sh" "$SOCKETS/roles.sh"
cd "$SOCKETS"
release=$(readlink -f "$PATRONI") # the installation of releases sees by this name that it is in use
exec "$release/bin/python" "$release/bin/patroni"
