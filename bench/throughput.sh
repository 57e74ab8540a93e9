#!/usr/bin/env bash
# Throughput of Larder, for WASI 0.3 and for WASI 0.2, beside Webdis, which puts Redis on HTTP with
# no layer in between: reads and writes of 100 bytes over 64 connections, by wrk, in turn, on this
# machine, in one run. All use the same Redis with the same settings (append-only file,
# appendfsync always), both Larders the same worker and the same items.
#
# It needs wrk and webdis (Debian: apt-get install wrk webdis), and `make build`.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${SECONDS_EACH:-10}
larder=127.0.0.1:23700
webdis_port=23701
larder_wasi02=127.0.0.1:23702
work=$(mktemp -d)
pids=()
stop() {
    if ((${#pids[@]})); then kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; fi
    rm -rf "$work"
}
trap stop EXIT

for tool in wrk webdis redis-cli; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install wrk webdis redis-tools" >&2; exit 1; }
done

target/release/larder-local up --wasi 0.3 --listen "$larder" --data "$work/data" >"$work/up.log" 2>&1 &
pids+=($!)
for _ in $(seq 200); do
    grep -q 'Larder is ready' "$work/up.log" && break
    sleep 0.1
done
grep -q 'Larder is ready' "$work/up.log" || { cat "$work/up.log" >&2; exit 1; }
redis_port=$(sed -n 's/.*redis:\/\/127.0.0.1:\([0-9]*\)\. .*/\1/p' "$work/up.log")
cat >"$work/webdis.json" <<JSON
{"redis_host": "127.0.0.1", "redis_port": $redis_port, "http_host": "127.0.0.1", "http_port": $webdis_port,
 "threads": 2, "pool_size": 10, "daemonize": false, "websockets": false, "database": 0, "verbosity": 0,
 "acl": [{"disabled": []}], "logfile": "$work/webdis.log"}
JSON
webdis "$work/webdis.json" >/dev/null 2>&1 &
pids+=($!)
SPIN_VARIABLE_REDIS_ADDRESS=redis://127.0.0.1:$redis_port target/release/larder-local serve \
    --from spin-wasip2.toml --listen "$larder_wasi02" >"$work/wasi02.log" 2>&1 &
pids+=($!)

value=$(printf 'x%.0s' $(seq 100))
cat >"$work/put.lua" <<'LUA'
-- Each request writes another one of 10,000 items.
local n = 0
request = function()
  n = (n + 1) % 10000
  return wrk.format('PUT', os.getenv('BENCH_PATH') .. n, nil, os.getenv('BENCH_BODY'))
end
LUA
sleep 1
curl -sf -X PUT "http://$larder/items/read" -H 'Prefer: wait=5' -d "$value"
redis-cli -p "$redis_port" SET webdis-read "$value" >/dev/null

measure() { # NAME URL [wrk arguments]
    local name=$1 url=$2
    shift 2
    wrk -t2 -c64 -d"${seconds}s" --latency "$@" "$url" >"$work/wrk.log"
    local other
    other=$(sed -n 's/.*Non-2xx or 3xx responses: //p' "$work/wrk.log")
    printf '%-28s %10s requests/s   p50 %-8s p99 %-8s other answers %s\n' "$name" \
        "$(sed -n 's/^Requests\/sec: *//p' "$work/wrk.log")" \
        "$(awk '$1 == "50%" {print $2}' "$work/wrk.log")" "$(awk '$1 == "99%" {print $2}' "$work/wrk.log")" "${other:-0}"
}

for round in 1 2; do
    echo "round $round, ${seconds} s each, $(nproc) cores shared with wrk and Redis"
    measure 'read, Larder' "http://$larder/items/read"
    measure 'read, Larder on WASI 0.2' "http://$larder_wasi02/items/read"
    measure 'read, Webdis GET' "http://127.0.0.1:$webdis_port/GET/webdis-read.txt"
    BENCH_PATH=/items/w BENCH_BODY=$value measure 'write, Larder (202, durable)' "http://$larder" -s "$work/put.lua"
    BENCH_PATH=/items/w BENCH_BODY=$value \
        measure 'write, Larder on WASI 0.2' "http://$larder_wasi02" -s "$work/put.lua"
    BENCH_PATH=/SET/w BENCH_BODY=$value measure 'write, Webdis SET' "http://127.0.0.1:$webdis_port" -s "$work/put.lua"
done
