"""What a pod needs to be run well: a fixed image, resources, probes."""


def images_are_pinned(cluster):
    """A tag that says which, or a digest."""
    images = [(str(w), c["image"]) for w in cluster.workloads for c in w.containers]
    images += [
        (f"SpinApp {d['metadata']['name']}", d["spec"]["image"]) for d in cluster.rendered if d["kind"] == "SpinApp"
    ]
    for owner, image in images:
        name = image.rsplit("/", 1)[-1]
        tag = name.partition(":")[2]
        if "@sha256:" not in image and (not tag or tag in ("latest", "nonroot", "edge", "stable")):
            yield f"{owner}: the image {image} is not pinned to a version"


def resources_are_bounded(cluster):
    for workload in cluster.workloads:
        for container in workload.containers:
            for which in ("requests", "limits"):
                for resource in ("cpu", "memory"):
                    if not container.get("resources", {}).get(which, {}).get(resource):
                        yield f"{workload}, {container['name']}: no {which}.{resource}"


def probes_are_there(cluster):
    """And reach a port of the container. A SpinApp cannot have a startup probe."""
    for workload in cluster.workloads:
        for container in workload.pod["containers"]:
            where = f"{workload}, {container['name']}"
            for probe in ("readinessProbe", "livenessProbe", *(() if workload.by_spin else ("startupProbe",))):
                if probe not in container:
                    yield f"{where}: no {probe}"
                    continue
                port = container[probe].get("httpGet", {}).get("port")
                if port is not None and port not in workload.ports:
                    yield f"{where}: its {probe} asks port {port}, which it does not have"


def probes_are_about_the_pod_itself(cluster):
    """Spin's own health check answers before any guest code runs, and /health/ready is about the whole
    store: with it a dead dependency would empty the Service."""
    for workload in (w for w in cluster.workloads if w.by_spin):
        for container in workload.pod["containers"]:
            for probe in ("readinessProbe", "livenessProbe"):
                asked = container.get(probe, {}).get("httpGet", {}).get("path")
                if asked != "/health/live":
                    yield f"{workload}: its {probe} asks {asked} instead of /health/live"


POLICIES = [images_are_pinned, resources_are_bounded, probes_are_there, probes_are_about_the_pod_itself]
