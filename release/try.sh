#!/usr/bin/env bash
# try.sh FOLDER: starts the larder-local of that folder where nothing else is, with the Redis on the PATH, writes an item
# and reads it, stops it, and sees that its data is there when it starts again.
set -euo pipefail
programs=$(cd "${1:?try.sh FOLDER, that of the programs}" && pwd)
listen=${LISTEN:-127.0.0.1:3000}
export LARDER_URL=http://$listen

away=$(mktemp -d)
up=
trap '[ -z "$up" ] || kill "$up" 2>/dev/null || true; wait; rm -rf "$away"' EXIT
cd "$away"

start() {
    "$programs/larder-local" up --listen "$listen" --data "$away/data" &
    up=$!
    for _ in {1..60}; do
        if "$programs/larder" status >/dev/null 2>&1; then return; fi
        kill -0 "$up" || break
        sleep 1
    done
    echo "try: larder-local is not ready" >&2
    exit 1
}
stop() {
    kill "$up"
    wait "$up"
    up=
}

for program in larder larder-worker larder-local; do "$programs/$program" --version; done
start
"$programs/larder" put try/hello Hello
[ "$("$programs/larder" get try/hello)" = Hello ]
stop
start
[ "$("$programs/larder" get try/hello)" = Hello ]
stop
echo "try: it works"
