"""spin-operator's webhooks, which its chart installs, take what we ship, and the API server takes what they leave."""

from spin_operator import admitted, refusals


def spin_operator_refuses_nothing(cluster):
    yield from refusals(cluster.rendered)


def spin_operator_writes_no_null(cluster):
    """No field of its CRDs takes null."""
    for document in (d for d in cluster.rendered if d["apiVersion"].startswith("core.spinkube.dev/")):
        for path in _nulls(admitted(document)["spec"], "spec"):
            yield f"{document['kind']} {document['metadata']['name']}: {path} is missing, and becomes null"


def _nulls(value, path):
    if value is None:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _nulls(inner, f"{path}.{key}")


POLICIES = [spin_operator_refuses_nothing, spin_operator_writes_no_null]
