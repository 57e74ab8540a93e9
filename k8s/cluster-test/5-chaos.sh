#!/usr/bin/env bash
# Kills pods under load and rolls all workloads; then everything that was acknowledged must be there.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=versions.env
source versions.env
ROUNDS=${ROUNDS:-5}

# The writers need the address and the token, so this script runs itself with them.
if [ -z "${LARDER_URL-}" ]; then exec ./access.sh ./5-chaos.sh; fi

folder=$(mktemp -d)
writers=()
stop() { if [ "${#writers[@]}" -gt 0 ]; then kill "${writers[@]}" 2>/dev/null || true; fi; }
trap 'stop; rm -rf "$folder"' EXIT
for writer in 1 2 3 4; do
    ./write.sh "chaos-$$-$writer" "$folder/$writer" &
    writers+=($!)
done

ours() { kubectl --namespace "$NAMESPACE" "$@"; }
kill_pod() { # one of a part that keeps nothing, as a lost node would: without a chance to end well
    ours get pods --selector "app.kubernetes.io/component=$1" --output name | shuf -n 1 |
        xargs kubectl --namespace "$NAMESPACE" delete --force --grace-period=0
}
# Not by --force: then Kubernetes may start another Redis on the volume while this one still writes.
kill_redis() {
    for node in $(docker ps --filter "label=k3d.cluster=$CLUSTER" --format '{{.Names}}'); do
        docker exec "$node" pkill -KILL -x redis-server || true # it runs on one of them
    done
}

for round in $(seq "$ROUNDS"); do
    echo "chaos: round $round of $ROUNDS"
    kill_pod worker && sleep 5
    kill_pod api && sleep 5
    kill_redis && sleep 5
    ours rollout status statefulset/larder-redis --timeout=120s
done

echo 'chaos: rolling everything'
ours rollout restart deployment/larder deployment/larder-worker
ours rollout status deployment/larder --timeout=300s
ours rollout status deployment/larder-worker --timeout=300s
sleep 5

for writer in "${writers[@]}"; do
    kill -0 "$writer" || { echo "chaos: a writer ended by itself" >&2 && exit 1; }
done
stop
wait "${writers[@]}"
writers=()
cat "$folder"/* >"$folder/all"
./read-back.sh "$folder/all"
