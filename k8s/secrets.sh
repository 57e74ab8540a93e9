#!/usr/bin/env bash
# Creates the Secrets that Larder needs and the cluster lacks. It never changes one that is there.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: k8s/secrets.sh [--overlay dev|cluster|production] [--namespace NAME] [--print]

Creates, where they are missing:
  larder-redis   where Redis is and how to log in there. From LARDER_REDIS in the environment,
                 redis[s]://[user:password@]host[:port][,host[:port]...]; without it, for the
                 overlays dev and cluster, a random password for the Redis of the overlay.
                 For a cluster or Sentinels LARDER_REDIS names some of them. LARDER_REDIS_ADDRESS is
                 then the pattern that matches all to which they lead: rediss://*.store.example.com:6379,
                 redis://10.0.0.0/8:6379 or redis://*:6379. The overlay cluster has its own.
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

# Where the Redis of the overlay is; of a cluster the pods, any of which is enough. Nothing where it brings none.
ours='' address=${LARDER_REDIS_ADDRESS-}
case $overlay in
    dev) ours=larder-redis ;;
    cluster)
        ours=$(printf 'larder-redis-%d.larder-redis,' {0..5}) ours=${ours%,}
        address=${address:-redis://*.larder-redis:6379}
        ;;
esac

# admits HOST:PORT: whether the address, a pattern of Spin, matches it. Spin matches networks with addresses only.
admits() {
    local host=${address#*://} port=${address##*:}
    host=${host%:*}
    [ "$port" = '*' ] || [ "$port" = "${1##*:}" ] || return 1
    case $host in
        '*') true ;;
        */*) [[ ${1%:*} =~ ^([0-9.]+|\[.*\])$ ]] ;;
        '*.'*) [[ ${1%:*} == *"${host#'*'}" ]] ;;
        *) [ "${1%:*}" = "$host" ] ;;
    esac
}

if ! exists larder-redis; then
    url=${LARDER_REDIS-}
    if [ -z "$url" ]; then
        [ -n "$ours" ] ||
            die "the Secret larder-redis is missing. Say where Redis is: LARDER_REDIS=rediss://user:password@host:6379 $0 --overlay $overlay --namespace $namespace"
        url="redis://:$(random)@$ours"
    fi
    host='([^@/:,]+|\[[0-9a-fA-F:]+\])(:[0-9]+)?'
    pattern="^(rediss?)://(([^:@/]*):([^@/]*)@)?($host(,$host)*)/?\$"
    [[ $url =~ $pattern ]] ||
        die "LARDER_REDIS must look like rediss://user:password@host:6379, special characters in the password percent-encoded; several hosts with commas between them"
    scheme=${BASH_REMATCH[1]} login=${BASH_REMATCH[2]}
    username=$(decode "${BASH_REMATCH[3]}")
    password=$(decode "${BASH_REMATCH[4]}")
    IFS=, read -ra hosts <<<"${BASH_REMATCH[5]}"
    for at in "${!hosts[@]}"; do
        if [[ ! ${hosts[at]} =~ :[0-9]+$ ]]; then hosts[at]+=:6379; fi
    done
    list=$(IFS=, && echo "${hosts[*]}")
    url="$scheme://$login$list" nodes=''
    if [ -n "$address" ]; then
        nodes="$scheme://$list"
        one='\*|(\*\.)?[^][@/:,*]+|\[[0-9a-fA-F:]+\]|[0-9a-fA-F.:]+/[0-9]+'
        [[ $address =~ ^$scheme://($one):([0-9]+|\*)$ ]] ||
            die "LARDER_REDIS_ADDRESS must be one pattern with the scheme of LARDER_REDIS and a port, like $scheme://*.store.example.com:6379, not $address"
        for at in "${hosts[@]}"; do
            admits "$at" || die "LARDER_REDIS_ADDRESS $address does not match $at, so the component could not connect to it. Names and IP addresses have only patterns like $scheme://*:6379 in common."
        done
    elif [ "${#hosts[@]}" -gt 1 ]; then
        die "LARDER_REDIS names ${#hosts[@]} hosts. To let the component connect to them, LARDER_REDIS_ADDRESS must be a pattern that matches all nodes, like $scheme://*.store.example.com:6379"
    else
        address="$scheme://$list"
    fi
    # For a Redis of ours: the lines of its configuration that have the password.
    auth=()
    if [ -n "$ours" ]; then auth=(auth.conf "requirepass $password"$'\n'"masterauth $password"); fi
    secret larder-redis address "$address" username "$username" password "$password" url "$url" \
        nodes "$nodes" "${auth[@]}"
elif [[ $(value_of larder-redis address) == *,* ]]; then
    die "the Secret larder-redis has a list under address, which Spin refuses: that has to be under nodes. Set LARDER_REDIS to what it has under url, delete it, and run this again."
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
    die "the Secret larder-tokens has no token under api-tokens, so every request would be answered with 500. Put one there (larder-worker token new), or delete the Secret to have one made."
fi
