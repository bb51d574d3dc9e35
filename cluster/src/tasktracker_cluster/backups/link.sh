# Give the files of the repository second names below `copying`, so that a copy of that folder has one state of them
# while the repository goes on. This needs no space, and takes a moment.
#
#     sh -c "$(cat link.sh)" sh REPOSITORY
set -eu
umask 077
cd "$1"
rm -rf copying
mkdir copying
for name in *-db; do
    mkdir "copying/$name"
    # Meanwhile no backup is made or deleted (back-up.sh), and no segment is moved to the archive (keep.sh).
    exec 8>>"$name/lock" 9>>"$name/archiving"
    flock 8
    flock 9
    # The receiver gives a complete segment another name at any time: then this begins anew.
    tries=5
    until cp --archive --link "$name/streaming" "copying/$name/"; do
        rm -rf "copying/$name/streaming"
        tries=$((tries - 1))
        [ "$tries" -gt 0 ]
    done
    # Only the large files never change: the others, which say what there is, are copied.
    for each in "$name"/*; do
        case ${each#*/} in
            streaming | lock | archiving | done | tried) ;;
            base | wals) cp --archive --link "$each" "copying/$name/" ;;
            *) cp --archive "$each" "copying/$name/" ;;
        esac
    done
    [ ! -e "$name/wals/xlog.db" ] || cp --archive --remove-destination "$name/wals/xlog.db" "copying/$name/wals/xlog.db"
    exec 8>&- 9>&-
done
