#!/bin/bash
# Start a member of a database: Patroni, whose child is PostgreSQL.
#
# Patroni makes no new database by itself: an interrupted one would be in its way. This script makes it, on
# the first machine and only while Consul knows none of this name. A data folder of an earlier version,
# which ran PostgreSQL alone, is taken over as it is. Other members copy the leader. In a restore they wait
# for the first one: else one of them could lead with the data from before.
#
# Environment: that of prepare.sh and give_lead.sh, and PATRONI (a virtual environment). Descriptor 9 is the
# file of Patroni's settings.
set -eu
umask 077
. "$SCRIPTS/give_lead.sh"

# Print the status of Consul's answer for a key of the database. The second argument is a method.
ask_consul() {
    exec 3<>/dev/tcp/127.0.0.1/8500 || return
    printf '%s /v1/kv/service/%s/%s HTTP/1.1\r\nHost: consul\r\nConnection: close\r\nX-Consul-Token: %s\r\n\r\n' \
        "${2:-GET}" "$CLUSTER" "$1" "$CONSUL_TOKEN" >&3
    read -r _ status _ <&3
    exec 3>&-
    echo "$status"
}

# Whether no restore goes on, or the first machine leads already.
may_follow() {
    [ "$(ask_consul restoring 2>/dev/null)" = 404 ] || [ "$(ask_consul leader 2>/dev/null)" = 200 ]
}

# Whether Consul knows no leader, and no other member, which could become it. There are at most three.
is_alone() {
    local key
    for key in leader members/m{1..3}; do
        [ "$key" = "members/m$MEMBER" ] || [ "$(ask_consul "$key" 2>/dev/null)" = 404 ] || return
    done
}

# Whether the replica with this number copies the leader now.
copies() {
    exec 3<>"/dev/tcp/127.0.0.1/844$1" || return
    printf 'GET /replica HTTP/1.0\r\n\r\n' >&3
    status=
    read -r -t 1 _ status _ <&3
    exec 3>&-
    [ "$status" = 200 ]
}

# Whether a server outlived its Patroni, which was killed.
has_leftover() {
    { read -r leftover <"$DATA/postmaster.pid"; } 2>/dev/null && grep -qsF "$DATA" "/proc/$leftover/cmdline"
}

# End it. Patroni could not stop it, as a wall lets no program signal the processes of an instance before. But
# the server can do it itself. One that hangs is left to the member's check, which then kills all (check.sh).
end_leftover() {
    local number attempt
    echo "A server without Patroni still runs: stopping it." >&2
    for number in INT QUIT; do # a fast shutdown: its replicas get all; or none at all
        PGCONNECT_TIMEOUT=2 timeout 3 "$PGBIN/psql" --no-psqlrc --quiet --host "$SOCKETS" --username postgres \
            --dbname postgres --command "COPY (SELECT) TO PROGRAM 'kill -$number $leftover'" || true
        for ((attempt = 0; attempt < 50; attempt++)); do
            has_leftover || return 0
            sleep 0.1
        done
    done
}

# Give the lead away that a member still has which was killed: to the replica that has every write, if it is
# there. It takes the lead sooner than this member can lead again.
give_kept_lead() {
    local replica
    replica=$(synchronous) && (copies "$replica") && give_lead
}

# Wait until no other instance uses the data, and make them ready.
take_data() {
    followed=
    flock --nonblock 8 || {
        echo "Another instance uses the data: waiting for its end." >&2 # handover.py looks for it
        flock 8
        followed=yes
    }
    if has_leftover; then
        end_leftover
    fi
    give_kept_lead 2>/dev/null || true
    if [ "$status" = 404 ] && [ "$MEMBER" = 1 ] || [ -e "$DATA/patroni.dynamic.json" ]; then
        /bin/sh "$SCRIPTS/prepare.sh"
    fi
    # After a handover the server goes on as it was, and Patroni finds it running: that takes seconds less. The
    # instance before has ended cleanly if nobody leads, and there is no other member.
    if [ "$followed" ] && is_alone; then
        # Patroni would ask for three seconds whether the one before still runs.
        ask_consul "members/m$MEMBER" DELETE >/dev/null || true
        cd "$SOCKETS"
        "$PGBIN/pg_ctl" restart --silent --pgdata "$DATA" 8<&- 9<&- || true # with its last options; or Patroni does it
    fi
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
exec 8<"$SOCKETS" # Patroni keeps it, and with it the lock. Its children do not.
exec 7< <(take_data >&2; echo ready)
# Patroni and PostgreSQL enter their working folder by its absolute name: that of the task they cannot.
PATRONI_CONFIGURATION=$(cat <&9)
exec 9<&-
export PATRONI_CONFIGURATION TZ=UTC # of Patroni's log
cp "$SCRIPTS/roles.sh" "$SCRIPTS/stop.sh" "$SOCKETS"
rm -f "$SOCKETS/changed"
mkfifo "$SOCKETS/changed" # from roles.sh to leads.sh
cd "$SOCKETS"
release=$(readlink -f "$PATRONI") # the installation of releases sees by this name that it is in use
# Python loads Patroni meanwhile, which takes a second and more.
exec "$release/bin/python" -P -c '
import runpy, sys
import patroni.__main__, patroni.api, patroni.dcs.consul, patroni.ha, patroni.watchdog
if not open(7).read():
    sys.exit("The data are not ready.")
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
' "$release/bin/patroni"
