#!/usr/bin/env bash
# Takes Larder away. The data stays unless it is told otherwise.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

usage() {
    cat <<'TEXT'
usage: k8s/undeploy.sh [OPTION...]

Removes what deploy.sh applied. What it keeps: the volumes of Redis, the Secrets larder-redis,
larder-tokens and larder-client, and the namespace. So another deploy.sh finds everything again.

  --overlay NAME     as for deploy.sh (default: dev)
  --component NAME   as for deploy.sh
  --namespace NAME   default: larder
  --delete-data      remove also what it would keep: all items, for good
  --dry-run          print what would be removed, and change nothing
  --help
TEXT
}

wrong() {
    echo "undeploy: $*; see --help" >&2
    exit 2
}

OVERLAY=dev COMPONENTS='' NAMESPACE=larder
delete_data='' dry_run=()
while [ $# -gt 0 ]; do
    case $1 in
        --overlay | --component | --namespace)
            [ -n "${2-}" ] || wrong "$1 needs a value"
            case $1 in
                --overlay) OVERLAY=$2 ;;
                --component) COMPONENTS="$COMPONENTS $2" ;;
                --namespace) NAMESPACE=$2 ;;
            esac
            shift 2
            ;;
        --delete-data) delete_data=1 && shift ;;
        --dry-run) dry_run=(--dry-run=server) && shift ;;
        --help | -h) usage && exit ;;
        *) wrong "unknown option $1" ;;
    esac
done
export OVERLAY COMPONENTS NAMESPACE

remove() { kubectl delete --ignore-not-found --namespace "$NAMESPACE" "${dry_run[@]}" "$@"; }

# The SpinApp goes first, and spin-operator removes what it made of it. An executor that is in use
# would not go.
manifests=$("$here/steps/render.sh" | "$here/steps/select.sh" without Namespace)
"$here/steps/select.sh" only SpinApp <<<"$manifests" | remove --filename -
"$here/steps/select.sh" without SpinApp <<<"$manifests" | remove --filename -

if [ -z "$delete_data" ]; then
    echo "undeploy: kept the volumes, the Secrets and the namespace $NAMESPACE; --delete-data removes them" >&2
    exit
fi
# What spin-operator made goes a moment after the SpinApp, a pod when it has ended, and a volume after its pod.
gone() {
    [ "${#dry_run[@]}" -gt 0 ] ||
        kubectl --namespace "$NAMESPACE" wait --for=delete --timeout="$1" "${@:2}" >/dev/null 2>&1 || true
}
gone 60s deployment/larder service/larder
remove persistentvolumeclaim,secret --selector app.kubernetes.io/part-of=larder
# As long as their grace periods, and a node that is slow.
gone 90s pod --selector app.kubernetes.io/part-of=larder
# spin-operator made it, for TLS.
remove secret spin-ca
# A namespace with something of somebody else's stays. In a dry run all of ours is still there.
more() { kubectl --namespace "$NAMESPACE" get pods,services,deployments,statefulsets,persistentvolumeclaims --output name; }
if [ "${#dry_run[@]}" = 0 ] && [ -n "$(more)" ]; then
    echo "undeploy: the namespace $NAMESPACE stays, there is more in it: kubectl -n $NAMESPACE get all,persistentvolumeclaims" >&2
else
    remove namespace "$NAMESPACE"
fi
