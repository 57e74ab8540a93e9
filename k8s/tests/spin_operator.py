"""What spin-operator 0.6 makes of a SpinApp, as far as it matters here.

Its webhooks look at the document first, and may refuse or change it (internal/webhook). The tests look at
the pods that will run, and those of the component are not in the manifests. This follows
`constructDeployment` and `constructService` of internal/controller/spinapp_controller.go, and what it
leaves out is left out there too: a security context, a startup probe, a spread over nodes.
"""

import copy

PORT = 80
PORT_NAME = "http-app"

# Lists and objects without `omitempty` in the Go types: of a SpinApp, and of the volumes in it.
NULLS = {
    "httpGet": ["httpHeaders"],
    "projected": ["sources"],
    "cephfs": ["monitors"],
    "rbd": ["monitors"],
    "scaleIO": ["secretRef"],
}


def admitted(document):
    """The document as the defaulting webhooks leave it, which read it into Go types and write these again. Whatever
    is missing and has no `omitempty` there comes to be: null, empty or zero. Nothing is taken away."""
    document = copy.deepcopy(document)
    document["metadata"].setdefault("creationTimestamp", None)
    spec = document.setdefault("spec", {})
    if document["kind"] == "SpinApp":
        document.setdefault("status", {"readyReplicas": 0})
        for text in ("executor", "image"):
            spec.setdefault(text, "")
        for part in ("checks", "runtimeConfig", "resources"):
            spec.setdefault(part, {})
        for part in (*spec["checks"].values(), *spec.get("volumes", [])):
            for name in part.keys() & NULLS.keys():
                for field in NULLS[name]:
                    part[name].setdefault(field)
    elif document["kind"] == "SpinAppExecutor":
        document.setdefault("status", {})
        spec.setdefault("createDeployment", False)
    return document


def refusals(documents):
    """What the validating webhooks say against the SpinApps and executors among the documents."""
    executors = {d["metadata"]["name"]: d["spec"] for d in documents if d["kind"] == "SpinAppExecutor"}
    for name, spec in executors.items():
        config = spec.get("deploymentConfig")
        if config is not None and ("runtimeClassName" in config) == ("spinImage" in config):
            yield f"SpinAppExecutor {name}: either runtimeClassName or spinImage must be set, and not both"
    for name, spec in ((d["metadata"]["name"], admitted(d)["spec"]) for d in documents if d["kind"] == "SpinApp"):
        replicas, executor = spec.get("replicas", 0), executors.get(spec["executor"])
        if executor is None:
            yield f"SpinApp {name}: executor {spec['executor']} does not exist in namespace"
        elif not executor.get("createDeployment") and spec.keys() & {"deploymentAnnotations", "podAnnotations"}:
            yield f"SpinApp {name}: annotations can't be set when the executor does not use operator deployments"
        if spec.get("enableAutoscaling") and replicas != 0:
            yield f"SpinApp {name}: replicas cannot be set when autoscaling is enabled"
        if not spec.get("enableAutoscaling") and replicas < 1:
            yield f"SpinApp {name}: replicas must be > 0"


def expand(documents):
    """The documents, with a Deployment and a Service in the place of each SpinApp."""
    executors = {d["metadata"]["name"]: d for d in documents if d["kind"] == "SpinAppExecutor"}
    expanded = []
    for document in documents:
        if document["kind"] == "SpinApp":
            document = admitted(document)
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


def _environment(spec, config):
    variables = [{**v, "name": f"SPIN_VARIABLE_{v['name'].upper()}"} for v in spec.get("variables", [])]
    otel = [{"name": f"OTEL_{key.upper()}", "value": value} for key, value in config.get("otel", {}).items()]
    return [*variables, {"name": "SPIN_HTTP_LISTEN_ADDR", "value": f"0.0.0.0:{PORT}"}, *otel]


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
        "env": _environment(spec, config),
        "resources": spec.get("resources", {}),
        "volumeMounts": mounts,
    }
    if "spinImage" in config:
        container["args"] = ["up", "--listen", f"0.0.0.0:{PORT}", "-f", spec["image"]]
        container["args"] += ["--runtime-config-file", "/runtime-config.toml"]
    else:
        container["command"] = ["/"]
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
