#!/usr/bin/env bash
# Starts the node of a pod: under the pod's name, which stays, and at its address, which does not.
set -euo pipefail
: "${POD_NAME:?}" "${POD_IP:?}" "${NODE_NAME:?}"
here=$(cd "$(dirname "$0")" && pwd)

# The addresses of the others may be somebody else's by now, and a replica would copy whoever is there. So
# it takes them to be here, where nothing listens on that port of the bus, and no node copies itself; clients
# are told names anyway. join.sh finds the others by these.
nodes=$(sed -n 's/^cluster-config-file //p' "$here/redis.conf")
if [ -f "$nodes" ]; then
    awk '$2 ~ /@/ && $3 !~ /myself|noaddr/ { sub(/^[^,]*/, "127.0.0.1:6379@1", $2) } { print }' "$nodes" >"$nodes.new"
    mv "$nodes.new" "$nodes"
fi

# As long as Redis lives, which takes the place of this shell.
while sleep 1 && kill -0 $$ 2>/dev/null; do "$here/join.sh" || true; done &

# The title says on which machine it runs; join.sh asks for it, to keep master and replica apart.
exec redis-server "$here/redis.conf" \
    --cluster-announce-hostname "$POD_NAME.larder-redis" \
    --cluster-announce-ip "$POD_IP" \
    --proc-title-template "{title} {listen-addr} {server-mode} on $NODE_NAME"
