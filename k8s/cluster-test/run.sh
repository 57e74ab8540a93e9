#!/usr/bin/env bash
# `make test-k8s`: all steps, in order. Each can also be run by itself. KEEP=1 leaves the cluster there.
set -euo pipefail
cd "$(dirname "$0")"

for tool in docker k3d kubectl helm spin cargo curl; do
    command -v "$tool" >/dev/null || { echo "cluster-test: $tool is missing" >&2 && exit 1; }
done

delete() {
    status=$?
    if [ -n "${KEEP-}" ]; then echo 'cluster-test: kept; k8s/cluster-test/6-delete.sh --cluster-only removes it'; else ./6-delete.sh --cluster-only; fi
    exit "$status"
}
trap delete EXIT

for step in 1-create 2-spinkube 3-deploy 4-end-to-end 5-chaos; do
    echo "cluster-test: $step"
    "./$step.sh"
done
trap - EXIT
if [ -n "${KEEP-}" ]; then exit; fi
echo 'cluster-test: 6-delete'
./6-delete.sh
