#!/usr/bin/env bash
# Creates a cluster of three nodes that have the shim, and a registry beside it.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=versions.env
source versions.env

k3d registry create "$REGISTRY_NAME" --port "$REGISTRY_PORT"
k3d cluster create "$CLUSTER" --image "$K3D_IMAGE" --agents 2 --wait --timeout 300s \
    --registry-use "$REGISTRY" --port "$INGRESS_PORT:80@loadbalancer"
kubectl wait --for=condition=Ready nodes --all --timeout=120s
