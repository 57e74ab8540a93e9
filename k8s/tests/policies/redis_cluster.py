"""A Redis Cluster of ours: its pods find each other whatever their addresses, no shard is lost with one pod, and
clients may go where it sends them."""

import base64

from policies.data import redis_settings
from policies.redis_address import ENTRY, admits, value_of

SETTINGS = {
    "cluster-config-file": "/data/nodes.conf",
    "cluster-preferred-endpoint-type": "hostname",
    "cluster-require-full-coverage": "no",
    "cluster-allow-replica-migration": "no",
}


def nodes_are_told_by_name_and_know_their_place(cluster):
    for config in _configs(cluster):
        settings = redis_settings(config)
        for name, value in SETTINGS.items():
            if settings.get(name) != value:
                yield f"redis.conf: {name} is {settings.get(name)} instead of {value}"
        mounted = [m for r in _redis(cluster) for m in r.containers[0]["volumeMounts"]]
        mounts = {m["mountPath"] for m in mounted if m["name"] == "data"}
        if mounts != {"/data"}:
            yield f"nodes.conf is not on the volume, which is at {mounts}"


def pods_are_found_before_they_are_ready(cluster):
    """They become ready by finding each other: so all start at once, under names that are known at once."""
    for redis in _redis(cluster):
        service = cluster.find("Service", redis.spec["serviceName"])
        if service["spec"].get("clusterIP") != "None" or not service["spec"].get("publishNotReadyAddresses"):
            yield f"{redis}: its pods have no names until they are ready"
        if redis.spec.get("podManagementPolicy") != "Parallel":
            yield f"{redis}: its pods wait for each other"


def no_shard_loses_both_its_nodes(cluster):
    """A rollout and a drain go on when the last pod has caught up, and a master hands over first."""
    for redis in _redis(cluster):
        container = redis.containers[0]
        masters, replicas = _shape(redis)
        if masters < 3 or replicas < 1 or redis.spec["replicas"] < masters * (1 + replicas):
            yield f"{redis}: {redis.spec['replicas']} pods for {masters} masters with {replicas} replicas each"
        if container["readinessProbe"].get("exec", {}).get("command") != ["/etc/redis/ready.sh"]:
            yield f"{redis}: is ready before it has caught up"
        hook = container.get("lifecycle", {}).get("preStop", {})
        if hook.get("exec", {}).get("command") != ["/etc/redis/step-down.sh"]:
            yield f"{redis}: a master ends without handing over"


def what_the_pods_run_is_mounted(cluster):
    for redis in _redis(cluster):
        files = {f for config in _configs(cluster) for f in config["data"]}
        container = redis.containers[0]
        runs = [container["command"][0], *_commands(container)]
        for path in (r for r in runs if r.startswith("/etc/redis/")):
            if path.removeprefix("/etc/redis/") not in files:
                yield f"{redis}: runs {path}, which is not there"
        for volume in (v["configMap"] for v in redis.pod["volumes"] if "configMap" in v):
            if not volume.get("defaultMode", 0o644) & 0o001:
                yield f"{redis}: may not run its scripts"


def _commands(container):
    hooks = [container[p] for p in ("readinessProbe", "livenessProbe", "startupProbe")]
    return [h["exec"]["command"][0] for h in (*hooks, *container.get("lifecycle", {}).values())]


def clients_know_the_pods_and_may_reach_them(cluster):
    """Component and workers start with names of pods, more than one, and redis_address admits all pods."""
    for redis in _redis(cluster):
        names = {f"{redis.name}-{n}.{redis.spec['serviceName']}:6379" for n in range(redis.spec["replicas"])}
        for secret in (s for s in cluster.secrets if s["metadata"]["name"] == "larder-redis"):
            if not _named(base64.b64decode(secret["data"]["url"]).decode(), names):
                yield "secrets.sh: url does not name the pods"
        for app in (d for d in cluster.rendered if d["kind"] == "SpinApp"):
            if not _named(value_of(cluster, app, "redis_nodes"), names):
                yield f"SpinApp {app['metadata']['name']}: redis_nodes does not name the pods"
            entry = ENTRY.fullmatch(value_of(cluster, app, "redis_address"))
            if not entry or not all(admits(entry[2], entry[3], name) for name in names):
                yield f"SpinApp {app['metadata']['name']}: redis_address does not admit the pods"


def _named(url, names):
    named = set(url.removeprefix("redis://").rpartition("@")[2].split(","))
    return len(named) > 1 and named <= names


def a_failover_loses_no_acknowledged_write(cluster):
    for redis in _redis(cluster):
        _, replicas = _shape(redis)
        for app in (d for d in cluster.rendered if d["kind"] == "SpinApp"):
            least = next((v["value"] for v in app["spec"]["variables"] if v["name"] == "min_replicas"), "0")
            if not 1 <= int(least) <= replicas:
                yield f"SpinApp {app['metadata']['name']}: min_replicas is {least}, with {replicas} replicas"


def _configs(cluster):
    configs = [c for c in cluster.of_kind("ConfigMap") if "redis.conf" in c["data"]]
    return [c for c in configs if redis_settings(c).get("cluster-enabled") == "yes"]


def _shape(redis):
    """How many masters, and how many replicas each of them."""
    values = {e["name"]: e.get("value") for e in redis.containers[0]["env"]}
    return int(values["MASTERS"]), int(values["REPLICAS"])


def _redis(cluster):
    """The StatefulSet, where it is a cluster."""
    redis = cluster.workload("StatefulSet", "larder-redis")
    return [redis] if redis and _configs(cluster) else []


POLICIES = [
    nodes_are_told_by_name_and_know_their_place,
    pods_are_found_before_they_are_ready,
    no_shard_loses_both_its_nodes,
    what_the_pods_run_is_mounted,
    clients_know_the_pods_and_may_reach_them,
    a_failover_loses_no_acknowledged_write,
]
