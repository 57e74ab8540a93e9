#!/usr/bin/env bash
# Builds the images from this repository and pushes them to REGISTRY, tagged IMAGE_TAG. The registry
# must know you: `docker login`, `spin registry login`. INSECURE_REGISTRY=1: over plain HTTP.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${REGISTRY:?}" "${IMAGE_TAG:?}"

# The manifests of the application, for the two worlds of Spin. The shims released so far run WASI 0.2.
wasi02_manifest=spin-wasip2.toml
wasi03_manifest=spin.toml

push=(spin registry push)
if [ -n "${INSECURE_REGISTRY-}" ]; then push+=(--insecure); fi

make component WASI=0.2
"${push[@]}" --from "$wasi02_manifest" "$REGISTRY/larder-api:$IMAGE_TAG"
make component WASI=0.3
"${push[@]}" --from "$wasi03_manifest" "$REGISTRY/larder-api-wasi03:$IMAGE_TAG"

docker build --file worker/Dockerfile --tag "$REGISTRY/larder-worker:$IMAGE_TAG" \
    --build-arg VERSION="$IMAGE_TAG" --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)" .
docker push "$REGISTRY/larder-worker:$IMAGE_TAG"
