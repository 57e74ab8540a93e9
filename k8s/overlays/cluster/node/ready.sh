#!/usr/bin/env bash
# Whether this node does its part: it has its place, is in touch with most masters, and has all that its master
# has. A rollout and a drain wait for it before they take the next pod, so no shard loses both its nodes.
set -euo pipefail
# shellcheck source=ask.sh
source "$(dirname "$0")/ask.sh"

# In one go, within the time of the probe. Of all lines only those of the table have an @.
told=$(printf '%s\n' 'cluster info' 'info replication' 'cluster nodes' | own)
[[ $told == *cluster_state:ok* && $told != *master_link_status:down* ]]
[ "$(printf '%s\n' "$told" | grep @ | standing)" = placed ]
