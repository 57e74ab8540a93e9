#!/usr/bin/env bash
# push.sh [IMAGE...]: builds images from this repository and pushes them to REGISTRY, tagged IMAGE_TAG; without a name,
# those that the manifests use. The registry must know you: `docker login`, `spin registry login`.
# INSECURE_REGISTRY=1: over plain HTTP. VERSION: what the labels say, in place of the tag.
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${REGISTRY:?}" "${IMAGE_TAG:?}"
[ $# -gt 0 ] || set -- larder-api larder-api-wasi03 larder-worker

push_component() { # IMAGE WASI MANIFEST
    local push=(spin registry push)
    if [ -n "${INSECURE_REGISTRY-}" ]; then push+=(--insecure); fi
    make component WASI="$2"
    "${push[@]}" --from "$3" "$REGISTRY/$1:$IMAGE_TAG"
}

push_container() { # IMAGE FOLDER
    docker build --file "$2/Dockerfile" --tag "$REGISTRY/$1:$IMAGE_TAG" --build-arg VERSION="${VERSION:-$IMAGE_TAG}" \
        --build-arg REVISION="$(git rev-parse HEAD 2>/dev/null || echo unknown)" .
    docker push "$REGISTRY/$1:$IMAGE_TAG"
}

for image in "$@"; do
    case $image in
        # The shims released so far run WASI 0.2.
        larder-api) push_component "$image" 0.2 spin-wasip2.toml ;;
        larder-api-wasi03) push_component "$image" 0.3 spin.toml ;;
        larder-worker) push_container "$image" worker ;;
        larder) push_container "$image" local ;;
        *) echo "push: there is no image $image" >&2 && exit 2 ;;
    esac
done
