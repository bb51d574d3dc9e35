# How a member that cannot lead any more gives the lead to the replica that has every write. The check of a
# leader that hangs does it (leads.sh), and the start of one that was killed (start.sh).
#
# Environment: CLUSTER (a name), MEMBER (a number), CONSUL_TOKEN.

# Send a request to Consul, through the sidecar, and print the answer.
consul() {
    exec 4<>/dev/tcp/127.0.0.1/8500 || return
    printf '%s /v1/%s HTTP/1.1\r\nHost: consul\r\nConnection: close\r\nContent-Length: 0\r\nX-Consul-Token: %s\r\n\r\n' \
        "$1" "$2" "$CONSUL_TOKEN" >&4
    timeout 2 cat <&4
    exec 4>&-
}

# Print the number of the replica that has every write. The values of keys are in Base64.
synchronous() {
    [[ $(consul GET "kv/service/$CLUSTER/sync") =~ \"Value\":\"([A-Za-z0-9+/=]+)\" ]] || return
    [[ $(printf %s "${BASH_REMATCH[1]}" | base64 -d) =~ \"sync_standby\":\ ?\"m([0-9]) ]] || return
    echo "${BASH_REMATCH[1]}"
}

# End the session of the lead, if this member has it. The replica takes the lead then.
give_lead() {
    local key
    key=$(consul GET "kv/service/$CLUSTER/leader")
    [[ $key == *"\"Value\":\"$(printf 'm%s' "$MEMBER" | base64)\""* && $key =~ \"Session\":\"([0-9a-f-]+)\" ]] || return
    consul PUT "session/destroy/${BASH_REMATCH[1]}" >/dev/null
}
