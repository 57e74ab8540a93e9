"""Pod security: `restricted` and more for our own pods, and what the namespace enforces."""

import re
from pathlib import PurePosixPath

import yaml

from rendering import K8S

# Where users of Spin's images are at home: those of gcr.io/distroless, of which Spin's are made. HOME is not set, so
# the container's runtime takes it from there.
HOMES = {("distroless", "0"): "/root", ("distroless", "65532"): "/home/nonroot"}
RANK = {"privileged": 0, "baseline": 1, "restricted": 2}


def our_pods_are_restricted(cluster):
    """All that `restricted` asks for, and a read-only root file system. Spin's pods are left out, as
    SpinApp has no field for any of it."""
    for workload in (w for w in cluster.workloads if not w.by_spin):
        pod = workload.pod.get("securityContext", {})
        if pod.get("runAsNonRoot") is not True or not pod.get("runAsUser"):
            yield f"{workload}: may run as root"
        if pod.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{workload}: no seccomp profile RuntimeDefault"
        for container in workload.containers:
            context = container.get("securityContext", {})
            where = f"{workload}, {container['name']}"
            if context.get("allowPrivilegeEscalation") is not False:
                yield f"{where}: may gain privileges"
            if context.get("readOnlyRootFilesystem") is not True:
                yield f"{where}: may write to its root file system"
            if context.get("capabilities") != {"drop": ["ALL"]}:
                yield f"{where}: keeps capabilities"
            if context.get("privileged") or context.get("runAsNonRoot") is False or context.get("runAsUser") == 0:
                yield f"{where}: takes back what the pod gave up"


def nothing_of_the_host_is_used(cluster):
    """What `baseline` forbids, for every pod."""
    for workload in cluster.workloads:
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if workload.pod.get(field):
                yield f"{workload}: {field}"
        for volume in workload.pod.get("volumes", []):
            if "hostPath" in volume:
                yield f"{workload}: the volume {volume['name']} is a folder of the node"
        for container in workload.containers:
            for port in container.get("ports", []):
                if "hostPort" in port:
                    yield f"{workload}: takes port {port['hostPort']} of the node"


def the_namespace_enforces_a_level(cluster):
    """`baseline` at least, and `restricted` is at least shown."""
    namespaces = cluster.of_kind("Namespace")
    if len(namespaces) != 1:
        yield f"there are {len(namespaces)} namespaces instead of one"
    for namespace in namespaces:
        labels = namespace["metadata"].get("labels", {})
        for mode, least in (("enforce", "baseline"), ("audit", "restricted"), ("warn", "restricted")):
            level = labels.get(f"pod-security.kubernetes.io/{mode}", "privileged")
            if RANK[level] < RANK[least]:
                yield f"the namespace has pod-security {mode}: {level}"


def restricted_is_enforced_only_without_the_shim(cluster):
    """The shim's pods would not start: the shim writes /spin.json into the root file system, as root."""
    for namespace in cluster.of_kind("Namespace"):
        if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") == "restricted":
            for workload in cluster.workloads:
                if "runtimeClassName" in workload.pod:
                    yield f"{workload}: runs with the shim, where `restricted` is enforced"


def what_is_restricted_can_write_where_spin_does(cluster):
    """Its root file system is read-only there, and Spin does not start without /tmp and the cache in its home."""
    for namespace in cluster.of_kind("Namespace"):
        if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") == "restricted":
            for workload in (w for w in cluster.workloads if w.by_spin):
                empty = {v["name"] for v in workload.pod["volumes"] if "sizeLimit" in v.get("emptyDir", {})}
                for container in workload.pod["containers"]:
                    mounted = {m["mountPath"] for m in container["volumeMounts"] if m["name"] in empty}
                    for place in ("/tmp", f"{_home(container['image'])}/.cache"):
                        if not {place, *map(str, PurePosixPath(place).parents)} & mounted:
                            yield f"{workload}: Spin cannot write to {place}"


def _home(image):
    """Of the user that api-pods-restricted.yaml makes of the component's, by the passwd file of its image."""
    spec = yaml.safe_load((K8S / "cluster/api-pods-restricted.yaml").read_text().partition("\n---")[0])["spec"]
    (user,) = re.findall(r'"runAsUser": dyn\((\d+)\)', str(spec["mutations"]))
    return HOMES[image.partition(":")[2].rpartition("-")[2], user]


POLICIES = [
    our_pods_are_restricted,
    nothing_of_the_host_is_used,
    the_namespace_enforces_a_level,
    restricted_is_enforced_only_without_the_shim,
    what_is_restricted_can_write_where_spin_does,
]
