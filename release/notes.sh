#!/usr/bin/env bash
# notes.sh VERSION: prints what CHANGELOG.md has on that version.
set -euo pipefail
changelog=$(dirname "$0")/../CHANGELOG.md
notes=$(awk -v heading="## [${1:?notes.sh VERSION}]" '
    index($0, "## [") == 1 { found = index($0, heading) == 1; next }
    found' "$changelog")
[ -n "$notes" ] || { echo "release: CHANGELOG.md has no section ## [$1]" >&2 && exit 1; }
printf '%s\n' "$notes"
