#!/bin/sh
# Check a member behind its wall, and kill it if it hangs (status 3 of the check, leads.sh):
#
#     check.sh WALL USER VOLUME SCRIPT
#
# A server that hangs keeps its connections, and each client would wait for its own time limit. A wall allows no
# signal to the processes of a task, so this is outside of it. As the member's user it can hit no process of
# another one, and finds only those in the network of its allocation: Patroni's, whose end is that of the task,
# and PostgreSQL's, which would outlive it.
"$1" --user="$2" --write="$3" -- /bin/bash -c "$4"
status=$?
[ "$status" -eq 3 ] || exit "$status"
setpriv --reuid "$2" --regid "$2" --clear-groups --no-new-privs /bin/sh -c '
    network=$(readlink /proc/self/ns/net | tr -cd 0-9)
    for link in $(find /proc/[0-9]*/ns/net -lname "net:?$network?"); do
        process=${link#/proc/}
        [ "${process%%/*}" -eq $$ ] || kill -KILL "${process%%/*}"
    done' 2>/dev/null # of processes that it may not see, or that have ended
exit 2
