#!/usr/bin/env bash
# Builds, pushes and deploys what this repository holds, twice: the second time nothing may change.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=versions.env
source versions.env

deploy=(../deploy.sh --overlay dev --namespace "$NAMESPACE" --registry "$REGISTRY" --image-tag test --no-forward)
INSECURE_REGISTRY=1 "${deploy[@]}" --push

generations() {
    kubectl --namespace "$NAMESPACE" get deployment,statefulset \
        --output 'jsonpath={range .items[*]}{.metadata.name} {.metadata.generation}{"\n"}{end}'
}
before=$(generations)
"${deploy[@]}"
after=$(generations)
if [ "$before" != "$after" ]; then
    printf 'a second deploy.sh changed something:\n%s\n---\n%s\n' "$before" "$after" >&2
    exit 1
fi

# A way in that survives the death of a pod, which a forwarded port does not.
kubectl --namespace "$NAMESPACE" apply --filename ingress.yaml
