#!/usr/bin/env bash
# Writes items at LARDER_URL until it is told to stop, and appends the id of each write that was
# acknowledged to a file: write.sh PREFIX FILE. The value of an item is its id.
set -euo pipefail
: "${LARDER_URL:?}" "${LARDER_TOKEN:?}"
prefix=${1:?} acknowledged=${2:?}

running=1
trap 'running=' TERM INT
for ((n = 0; ; n++)); do
    [ -n "$running" ] || exit 0
    id=$prefix/$n
    # A write without an answer may be there or not; it was not acknowledged, so nobody counts on it.
    status=$(curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' \
        --config <(printf 'header = "Authorization: Bearer %s"\n' "$LARDER_TOKEN") \
        --request PUT --header 'Content-Type: text/plain' --data-binary "$id" "$LARDER_URL/items/$id") || true
    case $status in
        202) echo "$id" >>"$acknowledged" ;;
        '' | 000 | 500 | 502 | 503 | 504) sleep 0.1 ;; # curl was stopped, a part died, or what stands before it says so
        *) echo "write: $id was answered with $status" >&2 && exit 1 ;;
    esac
done
