#!/usr/bin/env bash
# Waits until the store is ready, which its pods do not tell; then writes an item, reads it, and removes
# it, at LARDER_URL with the token LARDER_TOKEN (it needs the scopes read and write; with admin it is
# told why the store is not ready). TIMEOUT: for how many seconds to wait. Fails with what was answered where that is not what it should be.
set -euo pipefail
: "${LARDER_URL:?}" "${LARDER_TOKEN:?}"

# Arguments can be seen by other users of the machine, so curl reads the token from a file descriptor.
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
authorized() { # authorized [CURL_OPTION...]
    curl --silent --show-error --max-time 20 --output "$answer" "$@" \
        --config <(printf 'header = "Authorization: Bearer %s"\n' "$LARDER_TOKEN")
}
request() { # request EXPECTED_STATUS METHOD ID [CURL_OPTION...]
    local expected=$1 method=$2 id=$3 status
    shift 3
    status=$(authorized --write-out '%{http_code}' --request "$method" "$@" "$LARDER_URL/items/$id")
    if [ "$status" != "$expected" ]; then
        echo "smoke: $method /items/$id answered $status instead of $expected: $(cat "$answer")" >&2
        exit 1
    fi
}

deadline=$((SECONDS + ${TIMEOUT:-60}))
until authorized --fail-with-body "$LARDER_URL/health/ready" 2>/dev/null; do
    if [ "$SECONDS" -ge "$deadline" ]; then
        echo "smoke: the store is not ready: $(cat "$answer")" >&2
        exit 1
    fi
    sleep 1
done

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
