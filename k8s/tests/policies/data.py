"""The Redis of an overlay is what the guarantees rest on, and its data outlives it."""

import re

UNITS = {"kb": 2**10, "mb": 2**20, "gb": 2**30, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def redis_is_durable(cluster):
    for config in _redis_configs(cluster):
        settings = redis_settings(config)
        for name, value in {
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            "save": '""',
        }.items():
            if settings.get(name) != value:
                yield f"redis.conf: {name} is {settings.get(name)} instead of {value}"
        if "requirepass" in settings or "/auth.conf" not in settings.get("include", ""):
            yield "redis.conf: the password does not come from the Secret"
        limit = _bytes(_redis(cluster).containers[0]["resources"]["limits"]["memory"])
        if not 0 < _bytes(settings.get("maxmemory", "0mb")) <= limit * 3 // 4:
            yield f"redis.conf: maxmemory {settings.get('maxmemory')} leaves no room below the limit of the container"


def _redis_configs(cluster):
    return [c for c in cluster.of_kind("ConfigMap") if "redis.conf" in c["data"]]


def redis_settings(config):
    lines = config["data"].get("redis.conf", "").splitlines()
    return dict(line.split(maxsplit=1) for line in lines if line and line[0] != "#")


def redis_keeps_its_data(cluster):
    if redis := _redis(cluster):
        if not redis.spec.get("volumeClaimTemplates"):
            yield f"{redis}: has no volume"
        if set(redis.spec.get("persistentVolumeClaimRetentionPolicy", {}).values()) != {"Retain"}:
            yield f"{redis}: its volume goes with it"
        configs = [redis_settings(c) for c in _redis_configs(cluster)]
        if redis.spec["replicas"] != 1 and not any(c.get("cluster-enabled") == "yes" for c in configs):
            yield f"{redis}: several would each have another store"
        if redis.pod.get("terminationGracePeriodSeconds", 30) < 60:
            yield f"{redis}: has less than a minute to end"


def no_password_is_an_argument(cluster):
    """Arguments can be seen by others; redis-cli takes the password from REDISCLI_AUTH."""
    for workload in cluster.workloads:
        for container in workload.containers:
            commands = [container.get("command", []) + container.get("args", [])]
            commands += [
                container.get(p, {}).get("exec", {}).get("command", [])
                for p in ("startupProbe", "livenessProbe", "readinessProbe")
            ]
            commands += [hook.get("exec", {}).get("command", []) for hook in container.get("lifecycle", {}).values()]
            for words in commands:
                if any(re.search(r"\$\(|\$\{?\w|^(-a|--pass|--requirepass)$", w) for w in words):
                    yield f"{workload}: {words} may hold a password"


def _redis(cluster):
    return cluster.workload("StatefulSet", "larder-redis")


def _bytes(size):
    number, unit = re.fullmatch(r"(\d+)(\w+)", size).groups()
    return int(number) * UNITS[unit]


POLICIES = [redis_is_durable, redis_keeps_its_data, no_password_is_an_argument]
