#!/bin/sh
# Runs a program with the files of another Debian: run.sh FOLDER WORKSPACE PROGRAM [ARGUMENT…].
# The mounts are in a namespace of their own and end with the program.
set -eu

if [ "${1:-}" != inside ]; then
    exec unshare --mount -- "$0" inside "$@"
fi
shift
root=$1 workspace=$2
shift 2

for folder in /proc /dev /tmp; do
    mount --rbind "$folder" "$root$folder"
done
# Where the program and its test files are.
mkdir -p "$root$workspace"
mount --bind "$workspace" "$root$workspace"
exec chroot "$root" env --chdir "$PWD" "$@"
