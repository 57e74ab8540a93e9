#!/usr/bin/env bash
# Whether this node does its part: it is in touch with most masters, and has all that its master has. A
# rollout and a drain wait for it before they take the next pod, so no shard loses both its nodes.
set -euo pipefail
# shellcheck source=ask.sh
source "$(dirname "$0")/ask.sh"

state=$(own cluster info)
replication=$(own info replication)
[[ $state == *cluster_state:ok* && $replication != *master_link_status:down* ]]
