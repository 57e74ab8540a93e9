#!/usr/bin/env bash
# How the scripts of a pod ask its own node and those of other pods. To be sourced. The password is in
# REDISCLI_AUTH.
set -euo pipefail
: "${POD_IP:?}"

SERVICE=larder-redis
PORT=6379

# at ADDRESS COMMAND...: an address whose pod is gone may not answer at all, so no longer than 2 s.
at() {
    local address=$1
    shift
    timeout 2 redis-cli -e -h "$address" -p "$PORT" "$@"
}
own() { at "$POD_IP" "$@"; }

# address_of NAME: fails where there is no such pod.
address_of() { timeout 2 getent ahosts "$1" | awk 'NR == 1 { print $1 }'; }
pod_address() { address_of "$SERVICE-$1.$SERVICE"; }

# known_by ADDRESS: how many nodes the one at ADDRESS knows, itself included; 0 where none answers.
known_by() {
    { at "$1" cluster info || true; } | awk -F : '/^cluster_known_nodes/ { known = $2 } END { print known + 0 }'
}

# machine_of ADDRESS: where it runs (start.sh).
machine_of() { at "$1" config get proc-title-template | sed -n 's/.* on //p'; }
