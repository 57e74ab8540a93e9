#!/usr/bin/env bash
# Before a pod ends: a master gives its shard to its replica, without waiting for anybody to miss it.
# Where that cannot be, the pod ends all the same, and the replica takes over after cluster-node-timeout.
set -euo pipefail
# shellcheck source=ask.sh
source "$(dirname "$0")/ask.sh"

is_master() { [[ $(own info replication) == *role:master* ]]; }

# A failover that finds no majority is over after 5 s, and the replica may try again after cluster-node-timeout times
# four. Reads go on meanwhile.
while is_master && [ "$SECONDS" -lt 30 ]; do
    tried=$(own cluster replicas "$(own cluster myid)" | while read -r id place _; do
        # One that is just back may count as failed here. What is left of a lost node has a name that is another's now.
        if address=$(address_of "${place##*,}") && [ "$(at "$address" cluster myid)" = "$id" ] &&
            at "$address" cluster failover; then
            for _ in {1..50}; do
                if ! is_master; then exit; fi
                sleep 0.1
            done
        fi
    done)
    if [ -z "$tried" ]; then break; fi
done
