#!/usr/bin/env bash
# Creates the Secrets that Larder needs and the cluster lacks. It never changes one that is there.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: k8s/secrets.sh [--overlay dev|production] [--namespace NAME] [--print]

Creates, where they are missing:
  larder-redis   where Redis is and how to log in there. From LARDER_REDIS in the environment,
                 redis[s]://[user:password@]host[:port]; without it, for the overlay dev only,
                 a random password for the Redis of the overlay.
  larder-client  a random access token, readable: for the test of deploy.sh. In the overlay dev it
                 may do everything, else only read and write ids that begin with smoke/. Give
                 clients others, made with `larder-worker token new`.
  larder-tokens  the list of tokens that the component accepts, as digests: that one.

  --overlay    default: dev
  --namespace  default: larder. It must exist: kubectl apply -f k8s/base/namespace.yaml
  --print      print the Secrets, values included, and ask no cluster
TEXT
}

overlay=dev namespace=larder print=
while [ $# -gt 0 ]; do
    case $1 in
        --overlay) overlay=${2:?--overlay needs a name} && shift 2 ;;
        --namespace) namespace=${2:?--namespace needs a name} && shift 2 ;;
        --print) print=1 && shift ;;
        --help | -h) usage && exit ;;
        *) usage >&2 && exit 2 ;;
    esac
done

die() {
    echo "secrets: $*" >&2
    exit 1
}
exists() { [ -z "$print" ] && kubectl --namespace "$namespace" get secret "$1" >/dev/null 2>&1; }
value_of() { kubectl --namespace "$namespace" get secret "$1" --output "jsonpath={.data.$2}" | base64 --decode; }
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
sha256() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-64; }
decode() { local spaces=${1//+/%2B} && printf '%b' "${spaces//%/\\x}"; } # of percent-encoding

# secret NAME KEY VALUE...: through a pipe, as arguments can be seen by other users of the machine;
# and created, not applied, as that would note the values once more in an annotation.
secret() {
    local name=$1
    shift
    {
        printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\n' "$name" "$namespace"
        printf '  labels:\n    app.kubernetes.io/name: larder\n    app.kubernetes.io/part-of: larder\ndata:\n'
        while [ $# -gt 0 ]; do
            printf '  %s: "%s"\n' "$1" "$(printf %s "$2" | base64 | tr -d '\n')"
            shift 2
        done
        echo '---'
    } | if [ -n "$print" ]; then cat; else kubectl create --filename - >&2; fi
}

if ! exists larder-redis; then
    url=${LARDER_REDIS-}
    if [ -z "$url" ]; then
        [ "$overlay" = dev ] ||
            die "the Secret larder-redis is missing. Say where Redis is: LARDER_REDIS=rediss://user:password@host:6379 $0 --overlay $overlay --namespace $namespace"
        url="redis://:$(random)@larder-redis:6379"
    fi
    pattern='^(rediss?)://(([^:@/]*):([^@/]*)@)?([^@/:]+|\[[0-9a-fA-F:]+\])(:[0-9]+)?/?$'
    [[ $url =~ $pattern ]] ||
        die "LARDER_REDIS must look like rediss://user:password@host:6379, special characters in the password percent-encoded"
    address="${BASH_REMATCH[1]}://${BASH_REMATCH[5]}${BASH_REMATCH[6]:-:6379}"
    username=$(decode "${BASH_REMATCH[3]}")
    password=$(decode "${BASH_REMATCH[4]}")
    # For the Redis of the overlay dev: the line of its configuration that has the password.
    auth=()
    if [ "$overlay" = dev ]; then auth=(auth.conf "requirepass $password"); fi
    secret larder-redis address "$address" username "$username" password "$password" url "$url" "${auth[@]}"
fi

if ! exists larder-tokens; then
    # Where this was interrupted before, the readable token is there already.
    if exists larder-client; then
        token=$(value_of larder-client token)
    else
        token="larder_$(random)"
        secret larder-client token "$token"
    fi
    digest=$(printf %s "$token" | sha256)
    allowed='"scopes":["read","write","list","admin"]'
    if [ "$overlay" != dev ]; then allowed='"scopes":["read","write"],"prefixes":["smoke/"]'; fi
    secret larder-tokens api-tokens "[{\"name\":\"larder-client\",\"digest\":\"$digest\",$allowed}]"
elif [ "$(value_of larder-tokens api-tokens | tr -d '[:space:]' | head -c 2)" != '[{' ]; then
    die "the Secret larder-tokens has no token under api-tokens, so the store would be open to everybody. Put one there (larder-worker token new), or delete the Secret to have one made."
fi
