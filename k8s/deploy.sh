#!/usr/bin/env bash
# Brings Larder up on a cluster that has SpinKube. Repeating it changes nothing that is as it should be.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
steps=$here/steps

usage() {
    cat <<'TEXT'
usage: k8s/deploy.sh [OPTION...]

Checks what the cluster has, applies an overlay, waits until everything is ready, writes and reads
an item through the Service, and forwards a port to it until Ctrl-C.

  --overlay NAME     a folder of k8s/overlays (default: dev)
  --component NAME   a folder of k8s/components; may be given several times
  --namespace NAME   default: larder
  --registry NAME    where the images are (default: as in k8s/base/kustomization.yaml)
  --image-tag TAG    default: as in k8s/base/kustomization.yaml
  --push             build the images from here and push them first; needs docker and spin
  --timeout SECONDS  how long each workload may take to become ready (default: 300)
  --port PORT        the local port that is forwarded (default: 3000)
  --no-forward       end when the test has passed
  --dry-run          print what would be applied, and change nothing
  --help

Secrets that are missing are made first, see k8s/secrets.sh --help; the overlay production needs
LARDER_REDIS for that. LARDER_TOKEN in the environment is the token for the test, where the one in
the Secret larder-client is not to be used.
TEXT
}

wrong() {
    echo "deploy: $*; see --help" >&2
    exit 2
}

OVERLAY=dev COMPONENTS='' NAMESPACE=larder REGISTRY='' IMAGE_TAG='' TIMEOUT=300 PUSH=''
port=3000 forward=1 dry_run=
while [ $# -gt 0 ]; do
    case $1 in
        --overlay | --component | --namespace | --registry | --image-tag | --timeout | --port)
            [ -n "${2-}" ] || wrong "$1 needs a value"
            case $1 in
                --overlay) OVERLAY=$2 ;;
                --component) COMPONENTS="$COMPONENTS $2" ;;
                --namespace) NAMESPACE=$2 ;;
                --registry) REGISTRY=${2%/} ;;
                --image-tag) IMAGE_TAG=$2 ;;
                --timeout) TIMEOUT=$2 ;;
                --port) port=$2 ;;
            esac
            shift 2
            ;;
        --push) PUSH=1 && shift ;;
        --no-forward) forward='' && shift ;;
        --dry-run) dry_run=1 && shift ;;
        --help | -h) usage && exit ;;
        *) wrong "unknown option $1" ;;
    esac
done
export OVERLAY COMPONENTS NAMESPACE REGISTRY IMAGE_TAG TIMEOUT PUSH

say() { echo "deploy: $*" >&2; }

if [ -n "$dry_run" ]; then
    exec "$steps/render.sh"
fi
"$steps/check.sh"
manifests=$("$steps/render.sh")
API_IMAGE=$(sed -n '/^kind: SpinApp$/,/^---$/s/^  image: //p' <<<"$manifests")
export API_IMAGE

if [ -n "$PUSH" ]; then
    say "building and pushing the images"
    REGISTRY=${API_IMAGE%/*} IMAGE_TAG=${API_IMAGE##*:} "$steps/push.sh"
fi

say "applying the overlay $OVERLAY to the namespace $NAMESPACE of $(kubectl config current-context)"
# The Secrets need the namespace, and the pods need the Secrets.
"$steps/select.sh" only Namespace <<<"$manifests" | kubectl apply --filename -
"$here/secrets.sh" --overlay "$OVERLAY" --namespace "$NAMESPACE"
# spin-operator's webhook looks executors up in a cache, which may be a moment behind.
for attempt in 1 2 3; do
    if kubectl apply --filename - <<<"$manifests"; then break; fi
    [ "$attempt" -lt 3 ] || exit 1
    say "trying again"
    sleep 2
done

say "waiting until everything is ready"
"$steps/wait.sh"

if [ -z "${LARDER_TOKEN-}" ]; then
    LARDER_TOKEN=$(kubectl --namespace "$NAMESPACE" get secret larder-client --output 'jsonpath={.data.token}' | base64 --decode) ||
        { say "everything is ready, but there is no token for a test: set LARDER_TOKEN" && exit 1; }
fi
LARDER_URL=http://127.0.0.1:$port
export LARDER_TOKEN LARDER_URL

# Not before kubectl says that it forwards: somebody else may listen there.
forwarding=$(mktemp)
kubectl --namespace "$NAMESPACE" port-forward service/larder "$port:80" >"$forwarding" &
forwarder=$!
trap 'kill "$forwarder" 2>/dev/null || true; rm -f "$forwarding"' EXIT
until grep -q '^Forwarding' "$forwarding"; do
    kill -0 "$forwarder" 2>/dev/null || { say "cannot forward port $port; --port chooses another" && exit 1; }
    sleep 0.2
done
"$steps/smoke.sh"

if [ -z "$forward" ]; then
    say "Larder is ready: service/larder in the namespace $NAMESPACE"
    exit
fi
cat >&2 <<TEXT
deploy: Larder is ready: $LARDER_URL (Ctrl-C ends the forwarding, not Larder)

  TOKEN=\$(kubectl -n $NAMESPACE get secret larder-client -o 'jsonpath={.data.token}' | base64 --decode)
  curl -i -H "Authorization: Bearer \$TOKEN" -X PUT $LARDER_URL/items/smoke/hello -H 'content-type: text/plain' -d Hello
  curl -i -H "Authorization: Bearer \$TOKEN" $LARDER_URL/items/smoke/hello
TEXT
wait "$forwarder"
