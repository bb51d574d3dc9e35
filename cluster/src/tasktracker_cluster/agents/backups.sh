#!/bin/sh
# Have the repository of backups copied after each base backup and while its log grows, and each week try to restore
# the backups. Tell the store of metrics how old they are. It runs until it is stopped.
#
#     backups.sh FOLDER PROGRAM PORT CONF
#
# FOLDER is that of the backups, PROGRAM is tasktracker-cli, PORT is the store's. CONF is not read: it tells whose
# process this is. A program that only waits must be small, so this asks the file system, and starts Python only when
# something is to do.
set -u
backup=$1 program=$2 port=$3
figures=$(dirname "$0")/backup_figures.sh
copied=$backup/copied.json
look=60           # seconds
tell=30           # seconds
log_minutes=10    # until a log that grows is copied
copy_minutes=5    # until a failed copy is repeated
drill_minutes=10080
again_minutes=60  # until a failed drill is repeated

is_there() { # CONDITION...: a file of the repository meets it
    [ -n "$(find "$backup"/repository/*-db/verified "$backup"/repository/*-db/streaming -type f "$@" -print -quit 2>/dev/null)" ]
}

is_younger() { # FILE MINUTES
    [ -n "$(find "$1" -mmin "-$2" 2>/dev/null)" ]
}

is_copy_due() {
    if [ ! -e "$backup/copies.json" ] || is_younger "$backup/copies.fault" "$copy_minutes"; then
        return 1
    fi
    if [ ! -e "$copied" ]; then
        is_there -name verified
        return
    fi
    is_there -name verified -newer "$copied" || { ! is_younger "$copied" "$log_minutes" && is_there -newer "$copied"; }
}

# Each database has a backup since its log began anew (nomad/jobs/backup/keep.sh): one from before does not lead to now.
is_covered() {
    for each in "$backup"/repository/*-db; do
        if [ ! -e "$each/done" ] || [ -e "$each/replaced" ]; then
            return 1
        fi
    done
}

is_drill_due() {
    is_there -name verified && is_covered && ! is_younger "$backup/drilled.json" "$drill_minutes" &&
        ! is_younger "$backup/drill.fault" "$again_minutes"
}

# Beside the work: a copy or a drill that hangs is what the figures must show.
while :; do
    /bin/bash "$figures" "$backup" "$port"
    sleep "$tell"
done &

while :; do
    if is_copy_due; then
        "$program" admin backup copy --due
    fi
    if is_drill_due; then
        "$program" admin backup drill --quietly
    fi
    sleep "$look"
done
