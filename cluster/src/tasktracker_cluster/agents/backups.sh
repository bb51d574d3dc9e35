#!/bin/sh
# Have the repository of backups copied after each base backup, and while its log grows. It runs until it is stopped.
#
#     backups.sh FOLDER PROGRAM CONF
#
# FOLDER is that of the backups, PROGRAM is tasktracker-cli. CONF is not read: it tells whose process this is. A program
# that only waits must be small, so this asks the file system, and starts Python only when something is to do.
set -u
backup=$1 program=$2
copied=$backup/copied.json
look=60           # seconds
log_minutes=10    # until a log that grows is copied
copy_minutes=5    # until a failed copy is repeated

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

while :; do
    if is_copy_due; then
        "$program" admin backup copy --due
    fi
    sleep "$look"
done
