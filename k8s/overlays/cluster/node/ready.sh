#!/usr/bin/env bash
# Whether this node does its part: it has its place, is in touch with the masters, and has all that its own has.
# A rollout and a drain wait for it before they take the next pod, so no shard loses both its nodes.
set -euo pipefail
# shellcheck source=ask.sh
source "$(dirname "$0")/ask.sh"

# Redis takes masters that it has not found yet for well, until cluster-node-timeout. Without their votes it could
# not take over. Until they are found they have the port that start.sh gave them.
in_touch() {
    awk '$3 ~ /master/ && $3 !~ /myself|fail/ && NF > 8 && ($8 != "connected" || $2 ~ /@1(,|$)/) { lost = 1 }
        END { exit lost }'
}

# In one go, within the time of the probe. Of all lines only those of the table have an @.
answers=$(printf '%s\n' 'cluster info' 'info replication' 'cluster nodes' | own)
[[ $answers == *cluster_state:ok* && $answers != *master_link_status:down* ]]
table=$(printf '%s\n' "$answers" | grep @)
printf '%s\n' "$table" | in_touch
[ "$(printf '%s\n' "$table" | standing)" = placed ]
