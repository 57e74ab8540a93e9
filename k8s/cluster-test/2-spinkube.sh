#!/usr/bin/env bash
# Installs SpinKube: cert-manager, which spin-operator's webhooks need, the operator, the RuntimeClass.
set -euo pipefail
cd "$(dirname "$0")"
# shellcheck source=versions.env
source versions.env

kubectl apply --filename "https://github.com/cert-manager/cert-manager/releases/download/$CERT_MANAGER/cert-manager.yaml"
kubectl wait --namespace cert-manager --for=condition=Available deployment --all --timeout=300s

kubectl apply --filename ../cluster/runtime-class.yaml
kubectl apply --filename "https://github.com/spinframework/spin-operator/releases/download/v$SPIN_OPERATOR/spin-operator.crds.yaml"
helm upgrade --install spin-operator oci://ghcr.io/spinframework/charts/spin-operator \
    --version "$SPIN_OPERATOR" --namespace spin-operator --create-namespace --wait --timeout 300s
