#!/bin/sh
# Make a base backup of a database, verify it, and delete the backups that are too old:
#
#     back-up.sh DATABASE              at once
#     back-up.sh DATABASE MINUTES      unless the last one is younger
#
# The file `verified` has a line for each backup whose checksums were right. Only those count as good.
#
# Environment: as of keep.sh.
set -eu
umask 077
folder=$REPOSITORY/$1
barman() {
    /bin/sh "$SCRIPTS/barman.sh" "$@"
}

# Barman writes the message of an error as it is. If it has several lines, as when a leader goes away, Barman can read
# neither the file of this backup again nor the list of all. So the lines that name no field are deleted.
mend() {
    for file in "$folder"/meta/*-backup.info; do
        if [ -e "$file" ] && grep --quiet --invert-match '^[a-z_]*=' "$file"; then
            sed -i '/^[a-z_]*=/!d' "$file"
        fi
    done
}

# One at a time: this waits for the other.
exec 8>"$folder/lock"
flock 8
if [ $# -gt 1 ] && [ -n "$(find "$folder/done" -mmin "-$2" 2>/dev/null)" ]; then
    exit
fi

mend
# What an interrupted or failed backup left. Barman's retention policy knows only complete ones.
barman "$1" list-backups "$1" | sed -nE 's/^[^ ]* ([0-9T]*) .* (EMPTY|STARTED|FAILED)$/\1/p' | while read -r partial; do
    barman "$1" delete "$1" "$partial" || echo "The partial backup $partial of $1 is not deleted." >&2
done

# A backup that cannot end would fill the disk, on which the databases may be.
last=$(ls "$folder/base" 2>/dev/null | tail -n 1)
if [ -n "$last" ]; then
    needed=$(du --summarize --block-size=1 "$folder/base/$last" | cut -f 1)
    free=$(($(stat --file-system --format '%a * %S' "$folder")))
    if [ "$free" -lt "$needed" ]; then
        echo "A backup of $1 needs $needed bytes, and the repository has $free: free some space." >&2
        exit 1
    fi
fi

# The log has to be received from before the backup on. After a restore that takes some seconds.
seconds=60
until [ "$(barman "$1" ask "SELECT active FROM pg_replication_slots WHERE slot_name = 'barman'")" = t ]; do
    seconds=$((seconds - 1))
    if [ "$seconds" -eq 0 ]; then
        echo "The log of $1 is not received." >&2
        exit 1
    fi
    sleep 1
done

if ! barman "$1" --quiet backup --wait --wait-timeout 300 "$1"; then
    mend
    exit 1
fi
backup=$(ls "$folder/base" | tail -n 1)
if barman "$1" verify-backup "$1" "$backup"; then
    echo "$backup" >>"$folder/verified"
    touch "$folder/done"
else
    echo "The checksums of the backup $backup of $1 are wrong, so it is deleted." >&2
    barman "$1" delete "$1" "$backup"
    exit 1
fi
# Barman keeps the last good one, and what the window of the retention policy needs.
barman "$1" list-backups "$1" | sed -n 's/^[^ ]* \([0-9T]*\) .*OBSOLETE.*/\1/p' | while read -r old; do
    barman "$1" delete "$1" "$old"
done
