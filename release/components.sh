#!/usr/bin/env bash
# components.sh: puts both components, which are built, into dist/, with manifests that find them there:
# spin up --from dist/spin.toml --runtime-config-file dist/runtime-config.toml
set -euo pipefail
cd "$(dirname "$0")/.."
built=target/wasm32-wasip2/component
mkdir -p dist
cp "$built/larder_wasip2.wasm" "$built/larder_wasip3.wasm" runtime-config.toml dist
for manifest in spin.toml spin-wasip2.toml; do
    # Beside their components, and with nothing to build.
    sed "s|\"$built/|\"|; /^\[component\.api\.build\]/,\$d" "$manifest" >"dist/$manifest"
done
