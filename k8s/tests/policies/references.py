"""Whatever one document names, another one is, with that key; or secrets.sh makes it."""


def secrets_and_config_maps_resolve(cluster):
    for workload in cluster.workloads:
        for kind, name, key in _references(workload.pod):
            found = [
                d for d in (*cluster.documents, *cluster.secrets) if (d["kind"], d["metadata"]["name"]) == (kind, name)
            ]
            if not found:
                yield f"{workload}: there is no {kind} {name}"
            elif key is not None and not any(key in d.get(f, {}) for d in found for f in ("data", "stringData")):
                yield f"{workload}: the {kind} {name} has no key {key}"


def _references(pod):
    for container in pod.get("initContainers", []) + pod["containers"]:
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            if ref := source.get("secretKeyRef"):
                yield "Secret", ref["name"], ref["key"]
            if ref := source.get("configMapKeyRef"):
                yield "ConfigMap", ref["name"], ref["key"]
        for source in container.get("envFrom", []):
            if ref := source.get("secretRef"):
                yield "Secret", ref["name"], None
            if ref := source.get("configMapRef"):
                yield "ConfigMap", ref["name"], None
    for volume in pod.get("volumes", []):
        for kind, field, name in (("Secret", "secret", "secretName"), ("ConfigMap", "configMap", "name")):
            if source := volume.get(field):
                for item in source.get("items") or [{"key": None}]:
                    yield kind, source[name], item["key"]


def volumes_are_mounted_and_mounts_have_volumes(cluster):
    for workload in cluster.workloads:
        volumes = {v["name"] for v in workload.pod.get("volumes", [])}
        volumes |= {v["metadata"]["name"] for v in workload.spec.get("volumeClaimTemplates", [])}
        mounts = {m["name"] for c in workload.containers for m in c.get("volumeMounts", [])}
        for name in sorted(volumes ^ mounts):
            yield f"{workload}: {name} is only one of volume and mount"


def targets_exist(cluster):
    """What autoscalers scale, is there, and does not fix the number itself."""
    for scaler in cluster.of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        where = f"{scaler['kind']} {scaler['metadata']['name']}"
        workload = cluster.workload(target.get("kind", "Deployment"), target["name"])
        if workload is None:
            yield f"{where}: there is no {target.get('kind')} {target['name']}"
        elif "replicas" in workload.spec:
            yield f"{where}: {workload} fixes its number of replicas"


def the_executor_comes_before_its_app(cluster):
    """spin-operator's webhook refuses an app whose executor is not there yet, and kubectl applies in
    the order of the documents. The pods of an app are made at once, so its configuration comes first."""
    seen = set()
    for document in cluster.rendered:
        if document["kind"] == "SpinApp":
            spec = document["spec"]
            config = spec.get("runtimeConfig", {}).get("loadFromSecret")
            for needed in (
                ("SpinAppExecutor", spec["executor"]),
                ("Secret", config),
                ("ServiceAccount", spec.get("serviceAccountName")),
            ):
                if needed not in seen:
                    yield f"SpinApp {document['metadata']['name']} comes before {needed[0]} {needed[1]}"
        seen.add((document["kind"], document["metadata"]["name"]))
    if cluster.rendered[0]["kind"] != "Namespace":
        yield "the namespace does not come first"


def everything_is_in_the_one_namespace(cluster):
    namespace = cluster.of_kind("Namespace")[0]["metadata"]["name"]
    for document in cluster.rendered:
        if document["kind"] != "Namespace" and document["metadata"].get("namespace") != namespace:
            yield f"{document['kind']} {document['metadata']['name']} is not in the namespace {namespace}"


POLICIES = [
    secrets_and_config_maps_resolve,
    volumes_are_mounted_and_mounts_have_volumes,
    targets_exist,
    the_executor_comes_before_its_app,
    everything_is_in_the_one_namespace,
]
