"""Services and NetworkPolicies: all select something, and all ports are ports of what they select."""


def selectors_select(cluster):
    for where, selector in _selectors(cluster):
        if not cluster.selected(selector):
            yield f"{where}: selects no pod"


def _selectors(cluster):
    def of(document):
        return f"{document['kind']} {document['metadata']['name']}"

    for service in cluster.of_kind("Service"):
        yield of(service), service["spec"]["selector"]
    for document in cluster.of_kind("PodDisruptionBudget", "PodMonitor"):
        yield of(document), document["spec"]["selector"]
    for policy in cluster.of_kind("NetworkPolicy"):
        yield of(policy), policy["spec"]["podSelector"]
        for rule in _rules(policy):
            for peer in rule["peers"]:
                if "podSelector" in peer and "namespaceSelector" not in peer:
                    yield of(policy), peer["podSelector"]
    for document, workload in zip(cluster.of_kind("Deployment", "StatefulSet"), cluster.workloads, strict=True):
        if workload not in cluster.selected(document["spec"]["selector"]):
            yield f"{workload}: its own pods", None
        for constraint in workload.pod.get("topologySpreadConstraints", []):
            yield f"{workload}, topologySpreadConstraints", constraint["labelSelector"]


def _rules(policy):
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for rule in policy["spec"].get(direction) or []:
            yield {"direction": direction, "peers": rule.get(peers, []), "ports": rule.get("ports", [])}


def service_ports_are_container_ports(cluster):
    for service in cluster.of_kind("Service"):
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            for workload in cluster.selected(service["spec"]["selector"]):
                if target not in workload.ports:
                    yield f"Service {service['metadata']['name']}: {workload} has no port {target}"


def network_policy_ports_are_container_ports(cluster):
    """A rule without ports would let everything through, so each has some."""
    for policy in cluster.of_kind("NetworkPolicy"):
        name = policy["metadata"]["name"]
        for rule in _rules(policy):
            if not rule["ports"]:
                yield f"NetworkPolicy {name}: an {rule['direction']} rule without ports"
            for workload in _receivers(cluster, policy, rule):
                for port in rule["ports"]:
                    if port.get("port") not in workload.ports:
                        yield f"NetworkPolicy {name}: {workload} has no port {port.get('port')}"


def _receivers(cluster, policy, rule):
    """The pods of ours that listen: those selected for ingress, the peers for egress."""
    if rule["direction"] == "ingress":
        return cluster.selected(policy["spec"]["podSelector"])
    ours = [p["podSelector"] for p in rule["peers"] if "podSelector" in p and "namespaceSelector" not in p]
    return [w for selector in ours for w in cluster.selected(selector)]


def everything_is_denied_by_default(cluster):
    for policy in cluster.of_kind("NetworkPolicy"):
        spec = policy["spec"]
        if spec["podSelector"] == {} and set(spec["policyTypes"]) == {"Ingress", "Egress"} and not list(_rules(policy)):
            return
    yield "no NetworkPolicy denies everything by default"


def a_flow_inside_has_both_its_ends(cluster):
    """What one pod may send to another, that one may receive, and the other way round."""
    sent = {flow for p in cluster.of_kind("NetworkPolicy") for flow in _flows(cluster, p, "egress")}
    received = {flow for p in cluster.of_kind("NetworkPolicy") for flow in _flows(cluster, p, "ingress")}
    for sender, receiver, port in sorted(sent - received):
        yield f"{sender} may send to {receiver}:{port}, which may not receive it"
    for sender, receiver, port in sorted(received - sent):
        yield f"{receiver}:{port} may receive from {sender}, which may not send it"


def _flows(cluster, policy, direction):
    ends = cluster.selected(policy["spec"]["podSelector"])
    for rule in (r for r in _rules(policy) if r["direction"] == direction):
        for peer in rule["peers"]:
            if "podSelector" in peer and "namespaceSelector" not in peer:
                for other in cluster.selected(peer["podSelector"]):
                    for end in ends:
                        sender, receiver = (end, other) if direction == "egress" else (other, end)
                        for port in rule["ports"]:
                            yield str(sender), str(receiver), port.get("port")


def the_flows_are_exactly_these(cluster):
    """Inside: component and worker to Redis, where it is ours, and the nodes of a cluster to each other. A new
    one is a decision, made here too."""
    found = {flow for p in cluster.of_kind("NetworkPolicy") for flow in _flows(cluster, p, "ingress")}
    expected = set()
    if redis := cluster.workload("StatefulSet", "larder-redis"):
        expected = {(f"Deployment {w}", str(redis), 6379) for w in ("larder", "larder-worker")}
        if redis.spec["replicas"] > 1:
            expected |= {(str(redis), str(redis), port) for port in (6379, 16379)}
    for flow in sorted(found ^ expected, key=str):
        yield f"{'unexpected' if flow in found else 'missing'} flow {flow}"


def who_looks_up_names_may_ask_dns(cluster):
    """All of ours do but a single Redis: component and worker look for Redis, its nodes for each other."""
    may = set()
    for policy in cluster.of_kind("NetworkPolicy"):
        for rule in (r for r in _rules(policy) if r["direction"] == "egress"):
            if {(p.get("protocol"), p.get("port")) for p in rule["ports"]} == {("UDP", 53), ("TCP", 53)}:
                may |= {str(w) for w in cluster.selected(policy["spec"]["podSelector"])}
    for workload in cluster.workloads:
        if str(workload) not in may and not (workload.kind == "StatefulSet" and workload.spec["replicas"] == 1):
            yield f"{workload}: may not ask DNS"


POLICIES = [
    selectors_select,
    service_ports_are_container_ports,
    network_policy_ports_are_container_ports,
    everything_is_denied_by_default,
    a_flow_inside_has_both_its_ends,
    the_flows_are_exactly_these,
    who_looks_up_names_may_ask_dns,
]
