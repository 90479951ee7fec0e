#!/usr/bin/env bash
# Images for tests on a machine that can pull none. Nothing else uses them.
#
#   deploy/images/local.sh base                 the images of docker-compose.yml that a run needs,
#                                               by their names, from Debian's packages (as root)
#   deploy/images/local.sh highwater TAG BINARY an image of the Dockerfile with a built binary
#
# An image that is there already stays. The versions are those of Debian, not those of the names.
set -euo pipefail
cd "$(dirname "$0")/../.."

folder=$(mktemp -d)
trap 'rm -rf --one-file-system "$folder"' EXIT

NAMES=(debian:12-slim redis:7 nats:2.11 haproxy:3.0)
SUITE=bookworm

present() {
    docker image inspect "$@" >/dev/null 2>&1
}

# Builds by BuildKit, which leaves out the stages that are not needed. A client may lack its part
# of it, so the next one on the path is tried.
build() {
    local client output
    while read -r client; do
        if output=$(DOCKER_BUILDKIT=1 "$client" build --quiet "$@" 2>&1); then return; fi
    done < <(type -ap docker)
    echo "$output" >&2
    return 1
}

# Removes what nobody reads in a container.
clean() {
    chroot "$folder" apt-get clean
    rm -rf "$folder"/usr/share/{doc,locale,man}/*
}

# Imports the folder as an image, with changes in the words of a Dockerfile.
import() {
    local name=$1 changes=()
    for change in "${@:2}"; do changes+=(--change "$change"); done
    tar --directory "$folder" --create --exclude=./proc/* --exclude=./sys/* . \
        | docker import "${changes[@]}" - "$name" >/dev/null
    echo "$name"
}

base() {
    if present "${NAMES[@]}"; then return; fi
    command -v debootstrap >/dev/null \
        || apt-get install --yes --quiet=2 --no-install-recommends debootstrap >&2
    debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$folder" >&2
    clean
    present debian:12-slim || import debian:12-slim 'CMD ["bash"]'
    # No package may start its server here.
    printf '#!/bin/sh\nexit 101\n' > "$folder/usr/sbin/policy-rc.d"
    chmod +x "$folder/usr/sbin/policy-rc.d"
    chroot "$folder" apt-get install --yes --quiet=2 --no-install-recommends \
        redis-server nats-server haproxy >&2
    clean
    rm -rf "$folder"/var/lib/apt/lists/*
    present redis:7 || import redis:7 'USER redis' 'EXPOSE 6379' \
        'ENTRYPOINT []' 'CMD ["redis-server", "--protected-mode", "no"]'
    present nats:2.11 || import nats:2.11 'EXPOSE 4222 8222' \
        'ENTRYPOINT ["nats-server"]'
    present haproxy:3.0 || import haproxy:3.0 'USER haproxy'
}

highwater() {
    local tag=$1 binary=$2
    # Without the symbols of a development build.
    strip --strip-debug -o "$folder/highwater" "$binary"
    tar --directory "$folder" --create highwater | docker import - "$tag-binary" >/dev/null
    build --build-arg "BINARY=$tag-binary" --tag "$tag" .
}

case "${1-}" in
    base) base ;;
    highwater) highwater "${2:?a tag}" "${3:?a binary}" ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
