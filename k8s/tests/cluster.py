"""A rendered variant, with the questions that policies ask of it."""

from dataclasses import dataclass

from spin_operator import expand


@dataclass
class Workload:
    """A Deployment or a StatefulSet, and the pods that it makes."""

    kind: str
    name: str
    labels: dict
    pod: dict
    by_spin: bool
    spec: dict

    def __str__(self):
        return f"{self.kind} {self.name}"

    @property
    def containers(self):
        return self.pod.get("initContainers", []) + self.pod["containers"]

    @property
    def ports(self):
        """All container ports, by number and by name."""
        ports = [p for c in self.containers for p in c.get("ports", [])]
        return {p["containerPort"] for p in ports} | {p["name"] for p in ports if "name" in p}


class Cluster:
    """The documents of a variant, as they are and as spin-operator completes them."""

    def __init__(self, documents, secrets=()):
        self.rendered = documents
        self.documents = expand(documents)
        self.secrets = list(secrets)
        self.workloads = [_workload(d) for d in self.documents if d["kind"] in ("Deployment", "StatefulSet")]

    def of_kind(self, *kinds):
        return [d for d in self.documents if d["kind"] in kinds]

    def find(self, kind, name):
        return next((d for d in self.of_kind(kind) if d["metadata"]["name"] == name), None)

    def workload(self, kind, name):
        return next((w for w in self.workloads if (w.kind, w.name) == (kind, name)), None)

    def selected(self, selector):
        """The workloads whose pods a label selector, or a Service's plain map, selects."""
        return [w for w in self.workloads if matches(selector, w.labels)]


def matches(selector, labels):
    if not isinstance(selector, dict):
        return False
    if not selector.keys() & {"matchLabels", "matchExpressions"}:
        return all(labels.get(k) == v for k, v in selector.items())
    wanted = selector.get("matchLabels", {})
    return all(labels.get(k) == v for k, v in wanted.items()) and all(
        _holds(e, labels) for e in selector.get("matchExpressions", [])
    )


def _holds(expression, labels):
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case unknown:
            raise ValueError(f"no such operator: {unknown}")


def _workload(document):
    template = document["spec"]["template"]
    owners = document["metadata"].get("ownerReferences", [])
    return Workload(
        kind=document["kind"],
        name=document["metadata"]["name"],
        labels=template["metadata"]["labels"],
        pod=template["spec"],
        by_spin=any(o["kind"] == "SpinApp" for o in owners),
        spec=document["spec"],
    )
