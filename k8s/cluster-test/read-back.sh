#!/usr/bin/env bash
# Reads each item whose id is in a file, and fails if one is not what write.sh wrote: read-back.sh FILE.
# What was accepted a moment ago may take a moment to be there, so a miss is asked again, for PATIENCE
# seconds in all.
set -euo pipefail
: "${LARDER_URL:?}" "${LARDER_TOKEN:?}"
acknowledged=${1:?}

deadline=$((SECONDS + ${PATIENCE:-60})) lost=0 count=0
while read -r id; do
    count=$((count + 1))
    until value=$(curl --silent --fail --max-time 5 \
        --config <(printf 'header = "Authorization: Bearer %s"\n' "$LARDER_TOKEN") "$LARDER_URL/items/$id") && [ "$value" = "$id" ]; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            echo "lost: $id, instead of which there is: ${value:-nothing}" >&2
            lost=$((lost + 1))
            break
        fi
        sleep 0.2
    done
done <"$acknowledged"

echo "$count acknowledged writes, $lost lost"
[ "$count" -gt 0 ] && [ "$lost" = 0 ]
