"""What spin-operator 0.6 makes of a SpinApp, as far as it matters here.

The tests look at the pods that will run, and those of the component are not in the manifests. This
follows `constructDeployment` and `constructService` of spin-operator's
internal/controller/spinapp_controller.go, and what it leaves out is left out there too: a security
context, a startup probe, a spread over nodes.
"""

PORT = 80
PORT_NAME = "http-app"


def expand(documents):
    """The documents, with a Deployment and a Service in the place of each SpinApp."""
    executors = {d["metadata"]["name"]: d for d in documents if d["kind"] == "SpinAppExecutor"}
    expanded = []
    for document in documents:
        if document["kind"] == "SpinApp":
            executor = executors.get(document["spec"]["executor"], {"spec": {}})
            expanded += [_deployment(document, executor["spec"].get("deploymentConfig", {})), _service(document)]
        else:
            expanded.append(document)
    return expanded


def _ready_label(app):
    return {f"core.spinkube.dev/app.{app['metadata']['name']}.status": "ready"}


def _metadata(app):
    name = app["metadata"]["name"]
    return {
        "name": name,
        "namespace": app["metadata"].get("namespace", "default"),
        "labels": {"core.spinkube.dev/app-name": name},
        "ownerReferences": [
            {"apiVersion": app["apiVersion"], "kind": "SpinApp", "name": name, "uid": "0", "controller": True}
        ],
    }


def _probe(check):
    if check is None:
        return None
    defaults = {"initialDelaySeconds": 10, "periodSeconds": 10, "timeoutSeconds": 1, "failureThreshold": 3}
    return {**defaults, **check, "httpGet": {**check["httpGet"], "port": PORT}}


def _deployment(app, config):
    spec = app["spec"]
    selector = {"core.spinkube.dev/app-name": app["metadata"]["name"], **_ready_label(app)}
    volumes, mounts = list(spec.get("volumes", [])), list(spec.get("volumeMounts", []))
    if secret := spec.get("runtimeConfig", {}).get("loadFromSecret"):
        file = "runtime-config.toml"
        items = [{"key": file, "path": file}]
        volumes.append({"name": "spin-runtime-config", "secret": {"secretName": secret, "items": items}})
        mounts.append({"name": "spin-runtime-config", "mountPath": f"/{file}", "subPath": file, "readOnly": True})
    container = {
        "name": app["metadata"]["name"],
        "image": config.get("spinImage", spec["image"]),
        "ports": [{"name": PORT_NAME, "containerPort": PORT}],
        "env": [{**v, "name": f"SPIN_VARIABLE_{v['name'].upper()}"} for v in spec.get("variables", [])],
        "resources": spec.get("resources", {}),
        "volumeMounts": mounts,
    }
    if "spinImage" in config:
        container["args"] = ["up", "--listen", f"0.0.0.0:{PORT}", "-f", spec["image"]]
    for field in ("readiness", "liveness"):
        if probe := _probe(spec.get("checks", {}).get(field)):
            container[f"{field}Probe"] = probe
    pod = {
        "serviceAccountName": spec.get("serviceAccountName", "default"),
        "containers": [container],
        "volumes": volumes,
    }
    if "runtimeClassName" in config:
        pod["runtimeClassName"] = config["runtimeClassName"]
    replicas = {} if spec.get("enableAutoscaling") else {"replicas": spec.get("replicas", 0)}
    template = {"metadata": {"labels": {**spec.get("podLabels", {}), **selector}}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(app),
        "spec": {**replicas, "selector": {"matchLabels": selector}, "template": template},
    }


def _service(app):
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(app),
        "spec": {
            "type": "ClusterIP",
            "selector": _ready_label(app),
            "ports": [{"protocol": "TCP", "port": PORT, "targetPort": PORT_NAME}],
        },
    }
