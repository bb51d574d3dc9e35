#!/bin/bash
# Tell the store of metrics how old the newest good backups, copies and drill are. Without a store on this machine
# (`observe`) it tells nobody.
#
#     backup_figures.sh FOLDER PORT
#
# FOLDER is that of the backups, PORT that of the store. What has not been made yet counts from when it was asked for.
set -u
backup=$1 port=$2

figure() { # NAME LABELS FILE INSTEAD: the time at which FILE was written, or INSTEAD if it is not there
    local time
    time=$(stat --format %Y "$3" 2>/dev/null || stat --format %Y "$4") &&
        printf '%s{job="backups"%s} %s\n' "$1" "$2" "$time"
}

figures() {
    for name in user-db task-db; do
        figure backup_good_timestamp_seconds ",service=\"$name\"" "$backup/repository/$name/verified" "$backup/barman.conf"
    done
    figure backup_drill_timestamp_seconds "" "$backup/drilled.json" "$backup/barman.conf"
    if [ -e "$backup/copies.json" ]; then
        figure backup_copy_timestamp_seconds "" "$backup/copied.json" "$backup/copies.json"
    fi
}

text=$(figures)
{ exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || exit 0
printf 'POST /api/v1/import/prometheus HTTP/1.0\r\nContent-Length: %s\r\n\r\n%s' "${#text}" "$text" >&3
read -r -t 5 _ <&3 # the answer: else it could be interrupted
exit 0
