#!/usr/bin/env bash
# pack.sh TARGET: builds the programs for machines of that kind (x86_64-unknown-linux-musl is static) and packs them into
# dist/. Their folder stays beside the archive. LTO=off makes a try quicker.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:?pack.sh TARGET, such as x86_64-unknown-linux-musl}
version=$(release/facts.sh | sed -n 's/^version=//p')

# One unit and the whole program at once: it takes minutes, once for each release.
export CARGO_PROFILE_RELEASE_LTO=${LTO:-fat} CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 CARGO_PROFILE_RELEASE_STRIP=symbols
# larder-local holds both components.
make components
cargo build --locked --release --target "$target" --package larder-cli --package larder-worker --package larder-local

folder=larder-$version-$target
rm -rf "dist/$folder" && mkdir -p "dist/$folder"
built=${CARGO_TARGET_DIR:-target}/$target/release
cp "$built/larder" "$built/larder-worker" "$built/larder-local" LICENSE README.md "dist/$folder"
tar -czf "dist/$folder.tar.gz" -C dist "$folder"
echo "dist/$folder.tar.gz"
