#!/usr/bin/env bash
# Copies manifests from standard input: `only KIND` those of a kind, `without KIND` all others.
set -euo pipefail
case ${1-} in only | without) ;; *) echo "usage: select.sh only|without KIND" >&2 && exit 2 ;; esac

awk -v mode="$1" -v kind="kind: ${2:?}" '
    function put() { if (text != "" && (mode == "only") == found) printf "---\n%s", text; text = ""; found = 0 }
    /^---$/ { put(); next }
    $0 == kind { found = 1 }
    { text = text $0 "\n" }
    END { put() }'
