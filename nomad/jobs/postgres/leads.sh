# The check of a member: 0 (passing) where it leads, 1 (warning) where it is a replica, 2 (critical) else.
ask() {
    exec 3<>/dev/tcp/127.0.0.1/8008 || exit 2
    printf 'GET %s HTTP/1.0\r\n\r\n' "$1" >&3
    read -r _ status _ <&3
    exec 3>&-
    [ "$status" = 200 ]
}
ask /primary && exit 0
ask /replica && exit 1
exit 2
