"""Where the component may connect to is one pattern, as Spin takes it, and it matches the nodes that it starts with."""

import base64
import ipaddress
import re

# One entry of allowed_outbound_hosts, as far as Redis needs it. With a list Spin refuses all entries, at each request.
ENTRY = re.compile(r"(rediss?)://(\*|(?:\*\.)?[^][*/:,\s]+|\[[0-9a-fA-F:]+\]|[0-9a-fA-F.:]+/\d+):(\d+|\*)")
NODE = re.compile(r"(\[[0-9a-fA-F:]+\]|[^@/:,]+):(\d+)")


def the_component_may_connect_to_its_redis(cluster):
    for app in (d for d in cluster.rendered if d["kind"] == "SpinApp"):
        name = f"SpinApp {app['metadata']['name']}"
        address, nodes = (value_of(cluster, app, variable) for variable in ("redis_address", "redis_nodes"))
        entry = ENTRY.fullmatch(address)
        if entry is None:
            yield f"{name}: redis_address {address!r} is no address that Spin takes; a list belongs into redis_nodes"
        elif nodes:
            scheme, _, hosts = nodes.partition("://")
            if scheme != entry[1]:
                yield f"{name}: redis_address is {entry[1]}, and redis_nodes {scheme}"
            for node in hosts.split(","):
                if not admits(entry[2], entry[3], node):
                    yield f"{name}: redis_address {address} does not match {node}"
        elif "*" in address or "/" in entry[2]:
            yield f"{name}: redis_address {address} is a pattern, and no node is named"


def value_of(cluster, app, name):
    """Of a variable; empty where it is not set. Of Secrets there are those that secrets.sh makes."""
    variable = next((v for v in app["spec"]["variables"] if v["name"] == name), {})
    if ref := variable.get("valueFrom", {}).get("secretKeyRef"):
        secret = next(s for s in cluster.secrets if s["metadata"]["name"] == ref["name"])
        return base64.b64decode(secret["data"].get(ref["key"], "")).decode()
    return variable.get("value", "")


def admits(pattern, port, node):
    found = NODE.fullmatch(node)
    if found is None or port not in ("*", found[2]):
        return False
    if pattern == "*" or pattern == found[1]:
        return True
    if "/" in pattern:
        try:
            return ipaddress.ip_address(found[1].strip("[]")) in ipaddress.ip_network(pattern, strict=False)
        except ValueError:
            return False
    return pattern.startswith("*.") and found[1].endswith(pattern[1:])


POLICIES = [the_component_may_connect_to_its_redis]
