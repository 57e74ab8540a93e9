#!/usr/bin/env bash
# Takes Larder away, first without its data: a new one must find it. Then the cluster goes.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=versions.env
source versions.env

if [ "${1-}" != --cluster-only ]; then
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    ./access.sh timeout --preserve-status 5 ./write.sh "kept-$$" "$folder/kept"
    sleep 1
    ../undeploy.sh --overlay dev --namespace "$NAMESPACE"
    ../deploy.sh --overlay dev --namespace "$NAMESPACE" --registry "$REGISTRY" --image-tag test --no-forward
    ./access.sh ./read-back.sh "$folder/kept"
    ../undeploy.sh --overlay dev --namespace "$NAMESPACE" --delete-data
fi
k3d cluster delete "$CLUSTER"
k3d registry delete "$REGISTRY_NAME"
