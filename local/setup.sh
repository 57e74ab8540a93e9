#!/bin/sh
# Installs what Larder needs and this machine lacks: the WebAssembly target of Rust, a C
# compiler, Redis or Valkey 7.0 or newer, and Python 3.11 or newer; for the tests (`setup.sh test`) also
# faketime, strace, promtool, and Chromium with its driver; for the benchmark (`setup.sh bench`) wrk and Webdis.
# Asks nothing, and says what it cannot do.
set -eu

fail() {
    echo "setup: $*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# A package that comes with a service would start it, on the usual port. We start our own Redis,
# so a policy of our own says no while we install, and the service is not enabled.
guard=/usr/sbin/policy-rc.d
drop_guard() {
    if [ -n "${guarded-}" ]; then as_root rm -f "$guard"; fi
}
trap drop_guard EXIT

# install WHAT PACKAGE...: installs the packages, which bring WHAT, or says what to do.
install() {
    what=$1
    shift
    if ! have apt-get || { [ "$(id -u)" -ne 0 ] && ! { have sudo && sudo -n true 2>/dev/null; }; }; then
        fail "$what is missing. Install it (Debian: sudo apt-get install $*) and try again."
    fi
    echo "setup: installing $*"
    if [ ! -e "$guard" ]; then
        guarded=1
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$guard" >/dev/null
        as_root chmod 755 "$guard"
    fi
    as_root apt-get update -qq || echo "setup: apt-get update failed; trying with the old lists" >&2
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" >/dev/null ||
        fail "$what could not be installed. Install it (Debian: sudo apt-get install $*) and try again."
}

# The service that a package brought shall not start with the machine either.
disable() {
    if have systemctl; then as_root systemctl --quiet disable "$1" 2>/dev/null || true; fi
}

redis_version() { # prints the major version of the server that larder-local would take
    server=${LARDER_REDIS_SERVER:-$(command -v redis-server || command -v valkey-server || true)}
    if [ -n "$server" ]; then "$server" --version | sed -n 's/.* v=\([0-9]*\)\..*/\1/p'; fi
}

have cargo || fail "Rust is missing. Install it from https://rustup.rs and try again."

if ! have cc; then
    install "A C compiler" gcc libc6-dev
fi

if [ ! -d "$(rustc --print target-libdir --target wasm32-wasip2)" ]; then
    have rustup || fail "This Rust lacks the target wasm32-wasip2. Install Rust from https://rustup.rs and try again."
    rustup target add wasm32-wasip2 || fail "Could not download the target. Try: rustup target add wasm32-wasip2"
fi

if [ -z "$(redis_version)" ]; then
    install "Redis" redis-server
    disable redis-server
fi
version=$(redis_version)
if [ "${version:-0}" -lt 7 ]; then
    fail "Redis ${version:-?} is too old. Install redis-server or valkey-server 7.0 or newer and try again."
fi

# Debian keeps `venv` in a package of its own.
if ! have python3 || ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    install "Python with venv" python3 python3-venv
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$(python3 --version) is too old. Install Python 3.11 or newer and try again."

if [ "${1-}" = test ] && ! have faketime; then
    install "faketime" faketime
fi

if [ "${1-}" = test ] && ! have strace; then
    install "strace" strace
fi

if [ "${1-}" = test ] && ! have promtool; then
    install "promtool" prometheus
    disable prometheus
fi

if [ "${1-}" = test ] && ! have chromedriver; then
    install "Chromium with its driver" chromium chromium-driver
fi

if [ "${1-}" = bench ] && ! have wrk; then
    install "wrk" wrk
fi

if [ "${1-}" = bench ] && ! have webdis; then
    install "Webdis" webdis
    disable webdis
fi
