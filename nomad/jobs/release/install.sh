#!/bin/sh
# Install a release from its artifacts, which are in the working folder, and make it the current one:
#
#     install.sh HOME NAME SHA256...        each artifact is the file SHA256.pex
#
# A complete release stays as it is. What an interrupted installation left is deleted first.
set -eu
umask 022
# The system's own Python: another one may be in a folder that the tasks' users cannot enter.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
home=$1 name=$2
shift 2
if [ "$name" = current ] || [ $# -eq 0 ]; then
    echo "Give the job a release's name and its artifacts: ./just env shows those of the newest." >&2
    exit 1
fi
releases=$home/releases
release=$releases/$name
unpacked=$releases/.unpacked # on the same file system: files get into the release as hard links

if [ ! -e "$release/complete" ]; then
    # Nomad compared the checksums when it fetched the files, into a folder that others can write to.
    for artifact in "$@"; do
        echo "$artifact  $artifact.pex"
    done | sha256sum --check --strict --quiet
    rm -rf "$release" "$unpacked"
    trap 'rm -rf "$unpacked"' EXIT
    # All artifacts have the same packages in the same versions, so they share one environment.
    path=
    for artifact in "$@"; do
        path=$path:$PWD/$artifact.pex
    done
    python=$(sed -n '1{s|^#!/usr/bin/env ||p;q}' "$1.pex") # the version that the artifact is for
    if ! PEX_TOOLS=1 PEX_ROOT=$unpacked PEX_PATH=${path#:} "$python" "$1.pex" venv --compile "$release"; then
        rm -rf "$release"
        echo "The release $name was not installed. The present one stays." >&2
        exit 1
    fi
    printf '%s\n' "$@" >"$release/complete"
fi

ln -sfn "$name" "$releases/.current"
mv -T "$releases/.current" "$releases/current"

# The node's store serves them to others, too.
for artifact in "$@"; do
    if [ ! -e "$home/artifacts/$artifact.pex" ] && [ -e "$artifact.pex" ]; then
        echo "$artifact  $artifact.pex" | sha256sum --check --strict --quiet
        chmod 644 "$artifact.pex"
        mv "$artifact.pex" "$home/artifacts/"
    fi
    rm -f "$artifact.pex"
done

# Keep the three newest releases, and each that runs: its tasks may have to be started again.
touch "$release"
running=$(
    cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n'
    readlink /proc/[0-9]*/exe
) || true # processes end in the meantime
ls -t "$releases" | grep -v '^current$' | tail -n +4 | while read -r old; do
    case $running in
        *"$releases/$old/"*) ;;
        *) rm -rf "${releases:?}/$old" ;;
    esac
done

# An artifact is of use as long as its release. The file `offered` names programs of none.
for file in "$home"/artifacts/*.pex; do
    artifact=${file##*/}
    grep -qsx "${artifact%.pex}" "$releases"/*/complete "$home/artifacts/offered" || rm -f "$file"
done
