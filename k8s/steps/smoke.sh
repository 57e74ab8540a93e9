#!/usr/bin/env bash
# Writes an item, reads it, and removes it, at LARDER_URL with the token LARDER_TOKEN (it needs the
# scopes read and write). Fails with what was answered where that is not what it should be.
set -euo pipefail
: "${LARDER_URL:?}" "${LARDER_TOKEN:?}"

# Arguments can be seen by other users of the machine, so curl reads the token from a file descriptor.
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
request() { # request EXPECTED_STATUS METHOD ID [CURL_OPTION...]
    local expected=$1 method=$2 id=$3 status
    shift 3
    status=$(curl --silent --show-error --max-time 20 --output "$answer" --write-out '%{http_code}' \
        --config <(printf 'header = "Authorization: Bearer %s"\n' "$LARDER_TOKEN") \
        --request "$method" "$@" "$LARDER_URL/items/$id")
    if [ "$status" != "$expected" ]; then
        echo "smoke: $method /items/$id answered $status instead of $expected: $(cat "$answer")" >&2
        exit 1
    fi
}

id="smoke/$(date +%s)-$$"
value="written by deploy.sh at $(date -u +%FT%TZ)"
request 201 PUT "$id" --header 'Prefer: wait=10' --header 'Content-Type: text/plain' --data-binary "$value"
request 200 GET "$id"
if [ "$(cat "$answer")" != "$value" ]; then
    echo "smoke: read \"$(cat "$answer")\" after \"$value\" was written" >&2
    exit 1
fi
request 204 DELETE "$id" --header 'Prefer: wait=10'
request 404 GET "$id"
echo "smoke: wrote, read and removed /items/$id" >&2
