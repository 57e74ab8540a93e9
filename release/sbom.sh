#!/usr/bin/env bash
# sbom.sh: writes into dist/ of which crates each program and component is made, as CycloneDX. It takes cargo-cyclonedx.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(release/facts.sh | sed -n 's/^version=//p')
mkdir -p dist

list() { # PACKAGE FOLDER TARGET NAME
    cargo cyclonedx --quiet --manifest-path "$2/Cargo.toml" --format json --spec-version 1.5 --target "$3" --no-build-deps
    mv "$2/$1.cdx.json" "dist/$4.cdx.json"
}
for program in cli worker local; do
    list "larder-$program" "$program" x86_64-unknown-linux-musl "larder-$program-$version-linux"
    list "larder-$program" "$program" aarch64-apple-darwin "larder-$program-$version-macos"
done
for component in wasip2 wasip3; do
    list "larder-$component" "api-component/$component" wasm32-wasip2 "larder-$component-$version"
done
# It writes one beside each crate that these bring along, too.
find . -path ./target -prune -o -path ./dist -prune -o -name '*.cdx.json' -exec rm {} +
