"""Who a pod is towards the Kubernetes API: somebody of its own, without a token."""


def accounts_are_their_own_and_have_no_token(cluster):
    for workload in cluster.workloads:
        name = workload.pod.get("serviceAccountName", "default")
        account = cluster.find("ServiceAccount", name)
        if account is None:
            yield f"{workload}: there is no ServiceAccount {name}"
        elif account.get("automountServiceAccountToken") is not False:
            yield f"ServiceAccount {name}: its token is mounted"
        if workload.pod.get("automountServiceAccountToken"):
            yield f"{workload}: mounts a token"


def accounts_are_not_shared(cluster):
    names = [w.pod.get("serviceAccountName", "default") for w in cluster.workloads]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"the ServiceAccount {name} is used by several workloads"


POLICIES = [accounts_are_their_own_and_have_no_token, accounts_are_not_shared]
