"""Access: the component always has tokens to ask for, and git has no secret."""

VARIABLE = "api_tokens"
# Without a token every request is refused.
REQUIRED = {"name": "require_tokens", "value": "true"}
# A page in the browser invites people; nobody deploys it without knowing.
NO_CONSOLE = {"name": "console", "value": "false"}
# Rendered Secrets that hold nothing secret.
HARMLESS = {"larder-runtime-config"}


def no_store_is_open(cluster):
    """Tokens come from a Secret without which the pod does not start, never from a literal."""
    for app in (d for d in cluster.rendered if d["kind"] == "SpinApp"):
        name = app["metadata"]["name"]
        if REQUIRED not in app["spec"].get("variables", []):
            yield f"SpinApp {name}: an empty {VARIABLE} would open the store"
        found = [v for v in app["spec"].get("variables", []) if v["name"] == VARIABLE]
        if len(found) != 1:
            yield f"SpinApp {name}: has {VARIABLE} {len(found)} times"
        for variable in found:
            ref = variable.get("valueFrom", {}).get("secretKeyRef")
            if ref is None or variable.get("value") is not None:
                yield f"SpinApp {name}: {VARIABLE} does not come from a Secret"
            elif ref.get("optional"):
                yield f"SpinApp {name}: {VARIABLE} is optional"


def the_console_is_off(cluster):
    for app in (d for d in cluster.rendered if d["kind"] == "SpinApp"):
        if NO_CONSOLE not in app["spec"].get("variables", []):
            yield f"SpinApp {app['metadata']['name']}: the console is on"


def the_made_tokens_are_a_list(cluster):
    """What secrets.sh makes is no empty list."""
    values = [s["data"]["api-tokens"] for s in cluster.secrets if s["metadata"]["name"] == "larder-tokens"]
    if len(values) != 1 or len(values[0]) < 100:
        yield "secrets.sh makes no tokens"


def nothing_secret_is_rendered(cluster):
    for document in cluster.rendered:
        if document["kind"] == "Secret" and document["metadata"]["name"] not in HARMLESS:
            yield f"the Secret {document['metadata']['name']} is in the manifests"
    for workload in cluster.workloads:
        for container in workload.containers:
            for variable in container.get("env", []):
                secret = any(word in variable["name"].lower() for word in ("password", "token", "auth", "larder_redis"))
                if secret and variable.get("value", "true") not in ("true", "false"):
                    yield f"{workload}: {variable['name']} is written in the manifests"


POLICIES = [no_store_is_open, the_console_is_off, the_made_tokens_are_a_list, nothing_secret_is_rendered]
