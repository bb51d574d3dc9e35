# The check of a member: 0 (passing) where it leads, 1 (warning) where it is a replica, 2 (critical) else.
#
# A leader that hangs would keep its lead until its session ends, after 20 s and more. So this check, which
# does not hang with it, ends the session when Patroni has not answered three times in two seconds each. On a
# machine that is so slow that this check is late itself, nothing is known, and another one would be as slow.
#
# Environment: CLUSTER (a name), MEMBER (a number), CONSUL_TOKEN.

# Ask Patroni for a path. `status` is empty if it does not answer.
ask() {
    exec 3<>/dev/tcp/127.0.0.1/8008 || exit 2
    printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&3
    status=
    read -r -t 2 _ status _ <&3
    exec 3>&-
    [ "$status" = 200 ]
}

# Send a request to Consul, through the sidecar, and print the answer.
consul() {
    exec 4<>/dev/tcp/127.0.0.1/8500 || exit 2
    printf '%s /v1/%s HTTP/1.1\r\nHost: consul\r\nConnection: close\r\nContent-Length: 0\r\nX-Consul-Token: %s\r\n\r\n' \
        "$1" "$2" "$CONSUL_TOKEN" >&4
    timeout 2 cat <&4
    exec 4>&-
}

begin=${EPOCHREALTIME/[.,]/} # microseconds
for attempt in 1 2 3; do
    ask /primary && exit 0
    [ -z "$status" ] || { ask /replica && exit 1; }
    [ -z "$status" ] || exit 2
done
[ $((${EPOCHREALTIME/[.,]/} - begin)) -lt 7000000 ] || exit 2
# Only if a replica has every write: the lead goes to it. The values of keys are in Base64.
[[ $(consul GET "kv/service/$CLUSTER/sync") =~ \"Value\":\"([A-Za-z0-9+/=]+)\" ]] || exit 2
[[ $(printf %s "${BASH_REMATCH[1]}" | base64 -d) =~ \"sync_standby\":\ ?\"m ]] || exit 2
key=$(consul GET "kv/service/$CLUSTER/leader")
if [[ $key == *"\"Value\":\"$(printf 'm%s' "$MEMBER" | base64)\""* && $key =~ \"Session\":\"([0-9a-f-]+)\" ]]; then
    consul PUT "session/destroy/${BASH_REMATCH[1]}" >/dev/null
fi
exit 2
