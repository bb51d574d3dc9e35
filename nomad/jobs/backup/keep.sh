#!/bin/sh
# Keep the backups of both databases: receive the log of each all the time, archive what is complete, and make a base
# backup each day. It runs until its task is stopped.
#
# Environment: REPOSITORY (a folder), BARMAN, CONF (files), PGBIN (a folder), SCRIPTS (the folder of this file), and a
# password for each database (barman.sh).
set -u
umask 077
PATH=$PGBIN:/usr/bin:/bin
trap 'trap - TERM INT; kill 0' TERM INT
mkdir -p "$REPOSITORY/locks"
databases="user-db task-db"
day=1440 # minutes

barman() {
    /bin/sh "$SCRIPTS/barman.sh" "$@"
}

pause() {
    sleep "$1" &
    wait $!
}

# Print `yes` if the log of a database goes on from where the received one ends, else `no`. Each new leader has a slot,
# which Patroni made. But one that copied the leader before only lately may not have so much of the log, and one whose
# timeline began earlier never had the end that was received. Its server refuses both for ever.
goes_on() {
    last=$(ls "$streaming" | grep -E '^[0-9A-F]{24}(\.partial)?$' | tail -n 1)
    if [ -z "$last" ]; then # all that was received is in the archive
        last=$(find "$REPOSITORY/$1/wals" -type f 2>/dev/null | sed 's|.*/||' | grep -E '^[0-9A-F]{24}$' | sort | tail -n 1)
    fi
    [ -n "$last" ] || { echo yes && return; }
    # The name is that of a timeline (8 digits) and a position in it (16), in segments of 16 MiB.
    name=${last%.partial}
    timeline=${name%????????????????}
    high=${name#????????}
    start="'${high%????????}/${name#??????????????????????}000000'::pg_lsn"
    [ "$last" != "$name" ] || start="$start + 16777216" # it is complete: the next one follows
    now=$(barman "$1" ask "SELECT CASE WHEN restart_lsn >= $start + 16777216 OR $start > pg_current_wal_lsn() \
        THEN 'no' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END \
        FROM pg_replication_slots WHERE slot_name = 'barman'") || return 1
    case $now in
        "") return 1 ;;
        no) echo no && return ;;
        "$timeline") echo yes && return ;;
    esac
    history=$(barman "$1" history "$((0x$now))") || return 1
    # A line for each timeline before: its number, where it ended, and why.
    end=$(echo "$history" | sed -nE "s/^(.*\|)?$((0x$timeline))\t([0-9A-F]+\/[0-9A-F]+)\t.*/\2/p")
    [ -n "$end" ] || { echo no && return; }
    has_it=$(barman "$1" ask "SELECT pg_wal_lsn_diff('$end', $start) >= 0") || return 1
    if [ "$has_it" = t ]; then echo yes; else echo no; fi
}

# Patroni makes a slot for the backups on each member (settings.json). A database without one is of an earlier version,
# or is not led for long. One that kept its log for too long has lost it, and one whose data were replaced (by a
# restore, which then makes the file `replaced`) has another log. Then the log is received from now on, and the next
# base backup is due: what is between is not in the archive. The file `anew` has the time of each such hole, one a line.
# Both facts are written before the slot is made: an end in between must not lose them.
align() {
    streaming=$REPOSITORY/$1/streaming
    mkdir -p "$streaming"
    # A new slot has no state until the first answer of the receiver.
    slot="SELECT coalesce(wal_status, 'reserved') FROM pg_replication_slots WHERE slot_name = 'barman'"
    state=$(barman "$1" ask "$slot") || return 1
    case $state in
        reserved | extended | unreserved)
            if [ ! -e "$REPOSITORY/$1/replaced" ]; then
                goes_on=$(goes_on "$1") || return 1
                [ "$goes_on" = no ] || return 0
            fi
            ;;
        lost) barman "$1" receive-wal --drop-slot "$1" ;;
    esac
    date --utc +%Y-%m-%dT%H:%M:%SZ >>"$REPOSITORY/$1/anew" || return 1
    rm -f "$REPOSITORY/$1/done" "$REPOSITORY/$1/tried" || return 1
    barman "$1" receive-wal --create-slot --if-not-exists "$1" || return 1
    segment=$(barman "$1" ask "SELECT pg_walfile_name(pg_current_wal_lsn())") || return 1
    # Barman archives an older segment beside it as it is, incomplete. Its own --reset would delete it.
    if [ -n "$(ls "$streaming")" ] && [ ! -e "$streaming/$segment" ]; then
        : >>"$streaming/$segment.partial"
    fi
    rm -f "$REPOSITORY/$1/replaced"
}

receive() {
    while :; do
        align "$1" && barman "$1" receive-wal "$1"
        pause 2
    done
}

is_younger() { # FILE MINUTES
    [ -n "$(find "$1" -mmin "-$2" 2>/dev/null)" ]
}

is_due() {
    ls "$REPOSITORY/$1"/streaming/*.partial >/dev/null 2>&1 || return 1 # nothing is received yet
    ! is_younger "$REPOSITORY/$1/done" "$day" && ! is_younger "$REPOSITORY/$1/tried" 1
}

for name in $databases; do
    receive "$name" &
done
while :; do
    for name in $databases; do
        # In the steady state there is one file, the segment that is being received.
        if [ "$(ls "$REPOSITORY/$name/streaming" 2>/dev/null | wc -l)" -gt 1 ]; then
            # Not while the repository is copied (cluster/src/tasktracker_cluster/backups/link.sh).
            flock --nonblock "$REPOSITORY/$name/archiving" /bin/sh "$SCRIPTS/barman.sh" "$name" archive-wal "$name"
        fi
        if is_due "$name"; then
            touch "$REPOSITORY/$name/tried"
            /bin/sh "$SCRIPTS/back-up.sh" "$name" "$day"
        fi
    done
    pause 5
done
