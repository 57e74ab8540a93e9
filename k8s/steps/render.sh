#!/usr/bin/env bash
# Prints the manifests of an overlay. Settings come from the environment, all but the first optional:
#   OVERLAY     a folder of k8s/overlays
#   NAMESPACE   instead of larder
#   REGISTRY    where the images are, instead of what k8s/base/kustomization.yaml says
#   IMAGE_TAG   instead of the tag that is written there
#   COMPONENTS  folders of k8s/components, separated by spaces
set -euo pipefail
k8s=$(cd "$(dirname "$0")/.." && pwd)

: "${OVERLAY:?OVERLAY must name a folder of k8s/overlays}"
read -ra components <<<"${COMPONENTS-}"
for folder in "overlays/$OVERLAY" "${components[@]/#/components/}"; do
    if [ ! -f "$k8s/$folder/kustomization.yaml" ]; then
        echo "render: there is no k8s/$folder. There are:" "$k8s/${folder%%/*}"/*/ >&2
        exit 2
    fi
done

# kustomize takes such settings only from a kustomization, and wants to reach the overlay by a
# relative path. So it gets one for a moment.
work=$(mktemp -d "$k8s/.render.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$k8s/base/spinapp-images.yaml" "$work"

base_registry=$(sed -n 's|^ *newName: \(.*\)/larder-api$|\1|p' "$k8s/base/kustomization.yaml")
{
    echo 'apiVersion: kustomize.config.k8s.io/v1beta1'
    echo 'kind: Kustomization'
    echo "namespace: ${NAMESPACE:-larder}"
    echo "resources: [../overlays/$OVERLAY]"
    echo 'components:'
    for component in "${components[@]}"; do echo "  - ../components/$component"; done
    echo 'configurations: [spinapp-images.yaml]'
    echo 'images:'
    for image in larder-api larder-api-wasi03 larder-worker; do
        echo "  - name: $base_registry/$image"
        echo "    newName: ${REGISTRY:-$base_registry}/$image"
        if [ -n "${IMAGE_TAG-}" ]; then echo "    newTag: \"$IMAGE_TAG\""; fi
    done
    # Nothing but a replacement reaches into the query of worker-keda and the target of the probe.
    echo 'replacements:'
    if [[ " ${COMPONENTS-} " == *" prometheus "* ]]; then
        echo '  - source: {kind: Probe, fieldPath: metadata.namespace}'
        echo '    targets:'
        echo '      - select: {kind: Probe}'
        echo '        fieldPaths: [spec.targets.staticConfig.static.0]'
        echo '        options: {delimiter: ".", index: 1}'
    fi
    if [[ " ${COMPONENTS-} " == *" worker-keda "* ]]; then
        echo '  - source: {kind: ScaledObject, fieldPath: metadata.namespace}'
        echo '    targets:'
        echo '      - select: {kind: ScaledObject}'
        echo '        fieldPaths: [spec.triggers.0.metadata.query]'
        echo "        options: {delimiter: '\"', index: 1}"
    fi
    echo 'sortOptions: {order: fifo}'
} >"$work/kustomization.yaml"

kubectl kustomize "$work"
