#!/usr/bin/env bash
# sbom.sh: writes into dist/ of which crates each program and component is made, as CycloneDX. It takes cargo-cyclonedx.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(release/facts.sh | sed -n 's/^version=//p')
mkdir -p dist

list() { # PACKAGE FOLDER TARGET
    cargo cyclonedx --quiet --manifest-path "$2/Cargo.toml" --format json --spec-version 1.5 --target "$3" --no-build-deps
    mv "$2/$1.cdx.json" "dist/$1-$version.cdx.json"
}
list larder-cli cli all
list larder-worker worker all
list larder-local local all
list larder-wasip2 api-component/wasip2 wasm32-wasip2
list larder-wasip3 api-component/wasip3 wasm32-wasip2
# It writes one beside each crate that these bring along, too.
find . -path ./target -prune -o -path ./dist -prune -o -name '*.cdx.json' -exec rm {} +
