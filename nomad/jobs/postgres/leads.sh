# The check of a member: 0 (passing) where it leads, 1 (warning) where it is a replica, 2 (critical) else.
#
# A leader that hangs would keep its lead until its session ends, after 20 s and more. So this check, which
# does not hang with it, ends the session when Patroni has not answered three times in two seconds each. Then
# its status is 3, and check.sh kills the member. On a machine that is so slow that this check is late itself,
# nothing is known, and another one would be as slow.
#
# Nomad runs it once a second. The check of a replica waits for most of that second, until the callback of a
# change wakes it up (roles.sh): so a new leader does not wait for its next check.
#
# It follows give_lead.sh. Environment: that of it, and SOCKETS (a folder).

# Ask Patroni for a path. `status` is empty if it does not answer.
ask() {
    exec 3<>/dev/tcp/127.0.0.1/8008 || exit 2
    printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&3
    status=
    read -r -t 2 _ status _ <&3
    exec 3>&-
    [ "$status" = 200 ]
}

# Wait until the role of the member changes; fail if it does not.
woken() {
    exec 5<>"$SOCKETS/changed" && read -r -t 0.9 _ <&5
}

begin=${EPOCHREALTIME/[.,]/} # microseconds
for attempt in 1 2 3; do
    ask /primary && exit 0
    [ -z "$status" ] || { ask /replica && { woken && ask /primary && exit 0; exit 1; }; }
    [ -z "$status" ] || exit 2
done
[ $((${EPOCHREALTIME/[.,]/} - begin)) -lt 7000000 ] || exit 2
# Only if a replica has every write: the lead goes to it.
synchronous >/dev/null && give_lead && exit 3
exit 2
