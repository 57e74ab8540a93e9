#!/usr/bin/env bash
# Runs a command with LARDER_URL and LARDER_TOKEN of the test's deployment: access.sh COMMAND [ARGUMENT...]
set -euo pipefail
# shellcheck source=versions.env
source "$(dirname "$0")/versions.env"

LARDER_URL=http://127.0.0.1:$INGRESS_PORT
LARDER_TOKEN=$(kubectl --namespace "$NAMESPACE" get secret larder-client --output 'jsonpath={.data.token}' | base64 --decode)
export LARDER_URL LARDER_TOKEN

for _ in $(seq 60); do
    if curl --silent --fail --max-time 5 --output /dev/null "$LARDER_URL/health/ready"; then exec "$@"; fi
    sleep 1
done
echo "access: $LARDER_URL/health/ready is not ready after 60 s" >&2
exit 1
