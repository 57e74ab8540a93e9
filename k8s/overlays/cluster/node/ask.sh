#!/usr/bin/env bash
# How the scripts of a pod ask its own node and those of other pods. To be sourced. The own node's password is in
# REDISCLI_AUTH.
#
# PID 1 is redis-server, which waits for no children but its own. So a script waits for all that it starts: what
# outlives it stays a zombie. bash waits for $(...) and pipelines, not for <(...) and &.
set -euo pipefail
: "${POD_IP:?}"

SERVICE=larder-redis
PORT=6379

# An address whose pod is gone may not answer at all, so no longer than 2 s.
cli() { timeout 2 redis-cli -e -p "$PORT" -h "$@"; }
own() { cli "$POD_IP" "$@"; }

# at ADDRESS COMMAND...: with the password by which this node copies its master. While the password is rotated, nodes
# that have restarted take only the new one, and the environment has the old one.
at() { REDISCLI_AUTH=$(own config get masterauth | tail -n 1) cli "$@"; }

# address_of NAME: fails where there is no such pod.
address_of() { timeout 2 getent ahosts "$1" | awk 'NR == 1 { print $1 }'; }
pod_address() { address_of "$SERVICE-$1.$SERVICE"; }

# known_by ADDRESS: how many nodes the one at ADDRESS knows, itself included; 0 where none answers.
known_by() {
    { at "$1" cluster info || true; } | awk -F : '/^cluster_known_nodes/ { known = $2 } END { print known + 0 }'
}

# machine_of ADDRESS: where it runs (start.sh).
machine_of() { at "$1" config get proc-title-template | sed -n 's/.* on //p'; }

# Of the table of a node on standard input: is the node alone, or new, or placed? It is new until it has slots, a master
# or replicas.
standing() {
    awk '
        $3 == "myself,master" && NF == 8 { new = $1 }
        { has[$4]++ }
        END { print NR == 1 ? "alone" : new && !has[new] ? "new" : "placed" }'
}
