#!/usr/bin/env bash
# Waits until all that runs in NAMESPACE has rolled out, TIMEOUT seconds for each. If it does not, tells
# what explains it and fails. API_IMAGE: what the component's Deployment must run by then.
set -euo pipefail
: "${NAMESPACE:?}" "${TIMEOUT:?}" "${API_IMAGE:?}"

ours() { kubectl --namespace "$NAMESPACE" "$@"; }

explain() {
    echo "wait: $1 within $TIMEOUT s. What Kubernetes says:" >&2
    {
        echo '--- the SpinApp and the pods'
        ours get spinapp,deployment,statefulset,pods --output wide || true
        echo '--- events, the latest last'
        ours get events --sort-by=.lastTimestamp | tail -n 40 || true
        for part in api worker redis; do
            echo "--- logs of $part"
            ours logs --selector "app.kubernetes.io/component=$part" --all-containers --prefix --tail=40 || true
            # The container before this one, where it crashed. There may be none.
            ours logs --selector "app.kubernetes.io/component=$part" --all-containers --prefix --tail=40 --previous 2>/dev/null || true
        done
    } >&2
    exit 1
}

# spin-operator makes the Deployment `larder` from the SpinApp, and updates it a moment after it. An
# image is where the pods name it: with the second executor, among the arguments.
deadline=$((SECONDS + TIMEOUT))
until ours get deployment larder --output jsonpath='{.spec.template.spec.containers[0]}' 2>/dev/null | grep -qF "$API_IMAGE"; do
    [ "$SECONDS" -lt "$deadline" ] || explain "spin-operator made no Deployment for $API_IMAGE"
    sleep 1
done

for workload in $(ours get statefulset --selector app.kubernetes.io/part-of=larder --output name) deployment/larder-worker deployment/larder; do
    ours rollout status "$workload" --timeout="${TIMEOUT}s" >&2 || explain "$workload was not ready"
done
