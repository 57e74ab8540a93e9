#!/usr/bin/env bash
# facts.sh [TAG]: prints what a release goes by, NAME=VALUE, from where each is written once. Refuses a TAG that is not
# that of the version.
set -euo pipefail
cd "$(dirname "$0")/.."

fact() { # NAME PATTERN FILE: the pattern's one match
    local value
    value=$(sed -nE "s|$2|\\1|p" "$3" | sort -u)
    [[ $value =~ ^[^[:space:]]+$ ]] || { echo "release: $3 does not tell the $1" >&2 && exit 1; }
    printf -v "$1" %s "$value"
    echo "$1=$value"
}
fact version '^version = "(.+)"$' Cargo.toml
fact registry '^ *newName: (.*)/larder-api$' k8s/base/kustomization.yaml
fact rust '^ARG RUST_IMAGE=.*/rust:([0-9.]+)-.*' worker/Dockerfile
# The Spin that pushes the components is the one that runs them.
fact spin '^ *spinImage: .*/spin:(v[0-9.]+)-.*' k8s/base/executors.yaml

if [ $# -gt 0 ] && [ "$1" != "v${version:?}" ]; then
    echo "release: the tag is $1, but Cargo.toml has the version $version: it must be v$version" >&2
    exit 1
fi
