"""Updates, drains and lost nodes: something always runs, and nothing stands in the way."""


def what_has_replicas_has_a_budget(cluster):
    """One pod at a time. A single pod has none, as a budget would only keep its node from a drain."""
    budgets = cluster.of_kind("PodDisruptionBudget")
    for workload in cluster.workloads:
        mine = [b for b in budgets if workload in cluster.selected(b["spec"]["selector"])]
        several = workload.kind == "Deployment" or workload.spec.get("replicas", 1) > 1
        if several and len(mine) != 1:
            yield f"{workload}: has {len(mine)} PodDisruptionBudgets instead of one"
        for budget in mine:
            if not budget["spec"].get("maxUnavailable") or "minAvailable" in budget["spec"]:
                yield f"PodDisruptionBudget {budget['metadata']['name']}: may block a drain for good"


def there_are_replicas_enough(cluster):
    """Two of everything that keeps nothing; three in production, where Redis is not ours."""
    least = 2 if cluster.workload("StatefulSet", "larder-redis") else 3
    scalers = {
        s["spec"]["scaleTargetRef"]["name"]: s for s in cluster.of_kind("HorizontalPodAutoscaler", "ScaledObject")
    }
    for workload in (w for w in cluster.workloads if w.kind == "Deployment"):
        if scaler := scalers.get(workload.name):
            spec = scaler["spec"]
            least_here, most = (
                spec.get("minReplicas", spec.get("minReplicaCount", 0)),
                spec.get("maxReplicas", spec.get("maxReplicaCount", 0)),
            )
            if least_here < (least if scaler["kind"] == "HorizontalPodAutoscaler" else 2):
                yield f"{workload}: its autoscaler goes down to {least_here}"
            if most <= least_here:
                yield f"{workload}: its autoscaler never scales"
        elif workload.spec.get("replicas", 1) < least:
            yield f"{workload}: has {workload.spec.get('replicas', 1)} replicas instead of {least} or more"


def what_has_replicas_spreads(cluster):
    """Over nodes. Spin's pods are left out, as SpinApp has no field for it."""
    for workload in cluster.workloads:
        if workload.by_spin or (workload.kind == "StatefulSet" and workload.spec["replicas"] == 1):
            continue
        keys = [c["topologyKey"] for c in workload.pod.get("topologySpreadConstraints", [])]
        if "kubernetes.io/hostname" not in keys:
            yield f"{workload}: is not spread over nodes"


POLICIES = [what_has_replicas_has_a_budget, there_are_replicas_enough, what_has_replicas_spreads]
