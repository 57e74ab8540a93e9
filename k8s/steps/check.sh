#!/usr/bin/env bash
# Checks that kubectl, the cluster and the parts of SpinKube are there, and says what is missing and
# how to get it, all at once. COMPONENTS: as for render.sh. PUSH=1: also what push.sh needs.
set -euo pipefail

missing=0
lacks() { # lacks WHAT HOW
    missing=1
    printf 'missing: %s\n    %s\n' "$1" "$2" >&2
}
has_word() { case " $1 " in *" $2 "*) true ;; *) false ;; esac; }

for tool in kubectl curl; do
    command -v "$tool" >/dev/null || lacks "$tool" "Install it: https://kubernetes.io/docs/tasks/tools/ has kubectl, your system's packages have curl."
done
if [ -n "${PUSH-}" ]; then
    command -v docker >/dev/null || lacks docker "It builds the worker's image: https://docs.docker.com/engine/install/"
    command -v spin >/dev/null || lacks spin "It pushes the component: https://spinframework.dev/install"
    command -v cargo >/dev/null || lacks cargo "It builds the component: https://rustup.rs"
fi
[ "$missing" = 0 ] || exit 1

if ! answer=$(kubectl version --request-timeout=10s 2>&1); then
    lacks "a cluster that answers" "kubectl says: ${answer##*$'\n'}"
    echo '    Choose one with: kubectl config get-contexts; kubectl config use-context NAME' >&2
    exit 1
fi

# Whoever may not look is told so, and goes on: the thing may be there.
exists() {
    local answer
    if answer=$(kubectl get "$1" "$2" --request-timeout=10s 2>&1 >/dev/null); then return 0; fi
    case $answer in
        *NotFound* | *"doesn't have a resource type"*) return 1 ;;
        *) echo "check: cannot tell whether there is $1 $2: $answer" >&2 ;;
    esac
}
for crd in spinapps spinappexecutors; do
    exists crd "$crd.core.spinkube.dev" ||
        lacks "the resource type $crd.core.spinkube.dev" "Install spin-operator 0.6: https://www.spinkube.dev/docs/install/installing-with-helm/"
done
if ! has_word "${COMPONENTS-}" spin-image; then
    exists runtimeclass wasmtime-spin-v2 ||
        lacks "the RuntimeClass wasmtime-spin-v2" "Put containerd-shim-spin on the nodes, then: kubectl apply -f k8s/cluster/runtime-class.yaml
    Or do without the shim: deploy.sh --component spin-image"
fi
if has_word "${COMPONENTS-}" worker-keda; then
    exists crd scaledobjects.keda.sh || lacks "KEDA" "https://keda.sh/docs/latest/deploy/"
fi
if has_word "${COMPONENTS-}" prometheus; then
    exists crd prometheusrules.monitoring.coreos.com ||
        lacks "the Prometheus operator" "https://prometheus-operator.dev/docs/getting-started/installation/"
fi
if has_word "${COMPONENTS-}" restricted; then
    has_word "$COMPONENTS" spin-image || lacks "the component spin-image" "restricted needs it: --component spin-image --component restricted"
    exists mutatingadmissionpolicy larder-api-pods ||
        lacks "the policy larder-api-pods" "On Kubernetes 1.36 or newer: kubectl apply -f k8s/cluster/api-pods-restricted.yaml"
fi
exit "$missing"
