#!/usr/bin/env bash
# Before a pod ends: a master gives its shard to its replica, without waiting for anybody to miss it.
# Where that cannot be, the pod ends all the same, and the replica takes over after cluster-node-timeout.
set -euo pipefail
# shellcheck source=ask.sh
source "$(dirname "$0")/ask.sh"

is_master() { [[ $(own info replication) == *role:master* ]]; }

if ! is_master; then exit; fi
own cluster replicas "$(own cluster myid)" | while read -r _ place flags _ _ _ _ link; do
    case $flags,$link in *fail* | *,disconnected) continue ;; esac
    if address=$(address_of "${place##*,}") && at "$address" cluster failover; then
        for _ in {1..50}; do
            if ! is_master; then exit; fi
            sleep 0.1
        done
    fi
done
