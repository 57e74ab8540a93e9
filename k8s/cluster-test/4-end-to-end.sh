#!/usr/bin/env bash
# The tests of `make test` that speak HTTP, against the deployment.
set -euo pipefail
cd "$(dirname "$0")"
./access.sh make -C ../.. test
