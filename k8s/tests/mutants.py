"""Ways to break what we ship, each with the policy that has to find it."""

from policies import (
    data,
    disruption,
    identity,
    network,
    pods,
    redis_address,
    redis_cluster,
    references,
    security,
    tokens,
    webhooks,
)


def get(documents, kind, name):
    return next(d for d in documents if (d["kind"], d["metadata"]["name"]) == (kind, name))


def edit(kind, name, path, change):
    """A way to break a document: `change` gets what `path` leads to, and changes it in place."""

    def break_it(documents):
        place = get(documents, kind, name)
        for step in path.split("/") if path else ():
            if not isinstance(place, list):
                place = place[step]
            elif step.isdigit():
                place = place[int(step)]
            else:
                place = next(item for item in place if item["name"] == step)
        change(place)

    return break_it


def put(**values):
    return lambda place: place.update(values)


def pop(index):
    return lambda place: place.pop(index)


def lose(name):
    return lambda places: places.remove(next(item for item in places if item["name"] == name))


def drop(key):
    return lambda place: place.pop(key)


def remove(kind, name):
    return lambda documents: documents.remove(get(documents, kind, name))


def replace_text(old, new):
    def change(data):
        assert old in data["redis.conf"]
        data["redis.conf"] = data["redis.conf"].replace(old, new)

    return lambda documents: change(next(d for d in documents if "redis.conf" in d.get("data", {}))["data"])


WORKER = ("Deployment", "larder-worker")
REDIS = ("StatefulSet", "larder-redis")
APP = ("SpinApp", "larder")
ADDRESS = (*APP, "spec/variables/redis_address")
POD = "spec/template/spec"
CONTAINER = f"{POD}/containers/0"
HEADLESS = ("Service", "larder-redis")
HPA = ("HorizontalPodAutoscaler", "larder-api")
PDB = ("PodDisruptionBudget", "larder-worker")
TO_REDIS = ("NetworkPolicy", "api-and-worker-to-redis")
AMONG = ("NetworkPolicy", "redis-to-redis")
FROM_API = ("NetworkPolicy", "redis-from-api-and-worker")

# (policy, variant, how to break it)
MUTANTS = [
    (pods.images_are_pinned, "dev", edit(*WORKER, CONTAINER, put(image="larder-worker:latest"))),
    (pods.images_are_pinned, "dev", edit(*REDIS, CONTAINER, put(image="localhost:5000/redis"))),
    (pods.images_are_pinned, "production", edit(*APP, "spec", put(image="ghcr.io/larder-store/larder-api"))),
    (
        pods.images_are_pinned,
        "dev, everything",
        edit("SpinAppExecutor", "spin-image", "spec/deploymentConfig", put(spinImage="spin:latest")),
    ),
    (pods.resources_are_bounded, "dev", edit(*WORKER, f"{CONTAINER}/resources", drop("limits"))),
    (pods.resources_are_bounded, "production", edit(*APP, "spec/resources/requests", drop("memory"))),
    (pods.probes_are_there, "dev", edit(*WORKER, CONTAINER, drop("startupProbe"))),
    (pods.probes_are_there, "dev", edit(*APP, "spec/checks", drop("liveness"))),
    (pods.probes_are_there, "dev", edit(*WORKER, f"{CONTAINER}/readinessProbe/httpGet", put(port="http"))),
    (
        pods.probes_are_about_the_pod_itself,
        "dev",
        edit(*APP, "spec/checks/readiness/httpGet", put(path="/.well-known/spin/health")),
    ),
    (
        pods.probes_are_about_the_pod_itself,
        "dev",
        edit(*APP, "spec/checks/readiness/httpGet", put(path="/health/ready")),
    ),
    (
        security.what_is_restricted_can_write_where_spin_does,
        "dev, everything",
        edit(*APP, "spec/volumeMounts", lambda mounts: mounts.pop()),
    ),
    # The home of a user that the image does not have.
    (
        security.what_is_restricted_can_write_where_spin_does,
        "dev, everything",
        edit(*APP, "spec/volumeMounts/home", put(mountPath="/.cache")),
    ),
    (
        security.what_is_restricted_can_write_where_spin_does,
        "dev, everything",
        edit(*APP, "spec/volumes/0", drop("emptyDir")),
    ),
    (security.our_pods_are_restricted, "dev", edit(*REDIS, f"{POD}/securityContext", put(runAsUser=0))),
    (security.our_pods_are_restricted, "dev", edit(*WORKER, f"{POD}/securityContext", drop("seccompProfile"))),
    (
        security.our_pods_are_restricted,
        "dev",
        edit(*WORKER, f"{CONTAINER}/securityContext", drop("readOnlyRootFilesystem")),
    ),
    (
        security.our_pods_are_restricted,
        "dev",
        edit(*WORKER, f"{CONTAINER}/securityContext", put(capabilities={"add": ["NET_RAW"], "drop": ["ALL"]})),
    ),
    (
        security.our_pods_are_restricted,
        "dev",
        edit(*WORKER, f"{CONTAINER}/securityContext", put(allowPrivilegeEscalation=True)),
    ),
    (security.our_pods_are_restricted, "dev", edit(*WORKER, f"{CONTAINER}/securityContext", put(runAsNonRoot=False))),
    (security.nothing_of_the_host_is_used, "dev", edit(*WORKER, POD, put(hostNetwork=True))),
    (
        security.nothing_of_the_host_is_used,
        "dev",
        edit(*REDIS, POD, put(volumes=[{"name": "data", "hostPath": {"path": "/"}}])),
    ),
    (security.nothing_of_the_host_is_used, "dev", edit(*WORKER, f"{CONTAINER}/ports/0", put(hostPort=9090))),
    (security.the_namespace_enforces_a_level, "dev", edit("Namespace", "larder", "metadata", drop("labels"))),
    (
        security.the_namespace_enforces_a_level,
        "dev",
        lambda documents: documents.append({"kind": "Namespace", "metadata": {"name": "other"}}),
    ),
    (
        security.restricted_is_enforced_only_without_the_shim,
        "dev, everything",
        edit(*APP, "spec", put(executor="containerd-shim-spin")),
    ),
    (identity.accounts_are_their_own_and_have_no_token, "dev", edit(*APP, "spec", drop("serviceAccountName"))),
    (
        identity.accounts_are_their_own_and_have_no_token,
        "dev",
        edit("ServiceAccount", "larder-redis", "", drop("automountServiceAccountToken")),
    ),
    (
        identity.accounts_are_their_own_and_have_no_token,
        "dev",
        edit(*WORKER, POD, put(automountServiceAccountToken=True)),
    ),
    (identity.accounts_are_not_shared, "dev", edit(*WORKER, POD, put(serviceAccountName="larder-api"))),
    (references.secrets_and_config_maps_resolve, "dev", remove("Secret", "larder-runtime-config")),
    (
        references.secrets_and_config_maps_resolve,
        "dev",
        edit(*APP, "spec/variables/api_tokens/valueFrom/secretKeyRef", put(key="tokens")),
    ),
    (
        references.secrets_and_config_maps_resolve,
        "production",
        edit(*WORKER, f"{CONTAINER}/env/0/valueFrom/secretKeyRef", put(name="redis")),
    ),
    (references.secrets_and_config_maps_resolve, "dev", edit(*REDIS, f"{POD}/volumes/0/configMap", put(name="redis"))),
    (
        references.volumes_are_mounted_and_mounts_have_volumes,
        "dev",
        edit(*REDIS, f"{CONTAINER}/volumeMounts/0", put(name="store")),
    ),
    (references.targets_exist, "production", edit(*HPA, "spec/scaleTargetRef", put(name="larder-api"))),
    (references.targets_exist, "production", edit(*HPA, "spec/scaleTargetRef", put(kind="SpinApp"))),
    (references.targets_exist, "production", edit(*APP, "spec", put(enableAutoscaling=False))),
    (references.targets_exist, "dev, everything", edit(*WORKER, "spec", put(replicas=2))),
    (references.the_executor_comes_before_its_app, "dev", edit(*APP, "spec", put(executor="cyclotron"))),
    (references.the_executor_comes_before_its_app, "dev", lambda documents: documents.sort(key=lambda d: d["kind"])),
    (references.everything_is_in_the_one_namespace, "dev", edit(*WORKER, "metadata", put(namespace="default"))),
    (
        network.selectors_select,
        "dev",
        edit("Service", "larder-redis", "spec/selector", put(**{"app.kubernetes.io/component": "db"})),
    ),
    (network.selectors_select, "dev", edit(*PDB, "spec/selector/matchLabels", put(app="worker"))),
    (
        network.selectors_select,
        "dev",
        edit("NetworkPolicy", "clients-to-api", "spec/podSelector/matchLabels", put(app="api")),
    ),
    (network.selectors_select, "dev", edit(*TO_REDIS, "spec/egress/0/to/0/podSelector/matchLabels", put(app="redis"))),
    (
        network.selectors_select,
        "dev",
        edit(*WORKER, f"{POD}/topologySpreadConstraints/0/labelSelector/matchLabels", put(app="worker")),
    ),
    (network.selectors_select, "dev", edit(*WORKER, "spec/selector/matchLabels", put(app="worker"))),
    (
        network.selectors_select,
        "dev, everything",
        edit("PodMonitor", "larder-worker", "spec/selector/matchLabels", put(app="worker")),
    ),
    (
        network.service_ports_are_container_ports,
        "dev",
        edit("Service", "larder-worker", "spec/ports/0", put(targetPort="metrics")),
    ),
    (
        network.network_policy_ports_are_container_ports,
        "dev",
        edit("NetworkPolicy", "clients-to-api", "spec/ingress/0/ports/0", put(port=8080)),
    ),
    (network.network_policy_ports_are_container_ports, "dev", edit(*TO_REDIS, "spec/egress/0/ports/0", put(port=6380))),
    (network.network_policy_ports_are_container_ports, "production", edit(*TO_REDIS, "spec/egress/0", drop("ports"))),
    (network.everything_is_denied_by_default, "dev", remove("NetworkPolicy", "default-deny")),
    (
        network.everything_is_denied_by_default,
        "dev",
        edit("NetworkPolicy", "default-deny", "spec", put(policyTypes=["Ingress"])),
    ),
    (network.everything_is_denied_by_default, "dev", edit("NetworkPolicy", "default-deny", "spec", put(egress=[{}]))),
    (network.a_flow_inside_has_both_its_ends, "dev", remove(*FROM_API)),
    (
        network.a_flow_inside_has_both_its_ends,
        "dev",
        edit(*TO_REDIS, "spec/podSelector/matchExpressions/0", put(values=["api"])),
    ),
    (
        network.the_flows_are_exactly_these,
        "dev",
        edit(*FROM_API, "spec/ingress/0/from", lambda peers: peers.append({"podSelector": {}})),
    ),
    (network.the_flows_are_exactly_these, "dev", remove(*FROM_API)),
    (network.the_flows_are_exactly_these, "cluster", remove(*AMONG)),
    (network.a_flow_inside_has_both_its_ends, "cluster", edit(*AMONG, "spec", drop("egress"))),
    (network.network_policy_ports_are_container_ports, "cluster", edit(*REDIS, f"{CONTAINER}/ports", pop(1))),
    (network.who_looks_up_names_may_ask_dns, "dev", remove("NetworkPolicy", "dns")),
    (network.who_looks_up_names_may_ask_dns, "cluster", remove("NetworkPolicy", "redis-dns")),
    (
        network.who_looks_up_names_may_ask_dns,
        "cluster",
        edit("NetworkPolicy", "redis-dns", "spec/egress/0/ports", pop(0)),
    ),
    (disruption.what_has_replicas_has_a_budget, "dev", remove(*PDB)),
    (disruption.what_has_replicas_has_a_budget, "dev", edit(*PDB, "spec", put(maxUnavailable=0))),
    (disruption.there_are_replicas_enough, "dev", edit(*APP, "spec", put(replicas=1))),
    (disruption.there_are_replicas_enough, "production", edit(*WORKER, "spec", put(replicas=2))),
    (disruption.there_are_replicas_enough, "production", edit(*HPA, "spec", put(minReplicas=1))),
    (disruption.there_are_replicas_enough, "production", edit(*HPA, "spec", put(maxReplicas=3))),
    (
        disruption.there_are_replicas_enough,
        "production, everything",
        edit("ScaledObject", "larder-worker", "spec", put(minReplicaCount=0)),
    ),
    (disruption.what_has_replicas_spreads, "dev", edit(*WORKER, POD, drop("topologySpreadConstraints"))),
    (disruption.what_has_replicas_spreads, "cluster", edit(*REDIS, POD, drop("topologySpreadConstraints"))),
    (disruption.what_has_replicas_has_a_budget, "cluster", remove("PodDisruptionBudget", "larder-redis")),
    (tokens.no_store_is_open, "dev", edit(*APP, "spec/variables", lose("api_tokens"))),
    (tokens.no_store_is_open, "dev", edit(*APP, "spec/variables/api_tokens/valueFrom/secretKeyRef", put(optional=True))),
    (tokens.no_store_is_open, "production", edit(*APP, "spec/variables/api_tokens", put(valueFrom={}, value=""))),
    (tokens.no_store_is_open, "dev", edit(*APP, "spec/variables/require_tokens", put(value="false"))),
    (tokens.the_console_is_off, "production", edit(*APP, "spec/variables/console", put(value="true"))),
    (
        tokens.nothing_secret_is_rendered,
        "dev",
        lambda documents: documents.append({"kind": "Secret", "metadata": {"name": "larder-redis"}}),
    ),
    (
        tokens.nothing_secret_is_rendered,
        "dev",
        edit(*WORKER, f"{CONTAINER}/env/0", put(value="redis://:pw@larder-redis")),
    ),
    (data.redis_is_durable, "dev", replace_text("appendfsync always", "appendfsync everysec")),
    (data.redis_is_durable, "dev", replace_text("noeviction", "allkeys-lru")),
    (data.redis_is_durable, "dev", replace_text("maxmemory 512mb", "maxmemory 1gb")),
    (data.redis_is_durable, "dev", replace_text("dir /data", "requirepass secret")),
    (data.redis_keeps_its_data, "dev", edit(*REDIS, "spec", drop("volumeClaimTemplates"))),
    (data.redis_keeps_its_data, "dev", edit(*REDIS, "spec", drop("persistentVolumeClaimRetentionPolicy"))),
    (data.redis_keeps_its_data, "dev", edit(*REDIS, "spec", put(replicas=3))),
    (data.redis_keeps_its_data, "dev", edit(*REDIS, POD, drop("terminationGracePeriodSeconds"))),
    (
        data.no_password_is_an_argument,
        "dev",
        edit(*REDIS, f"{CONTAINER}/livenessProbe/exec", put(command=["sh", "-c", "redis-cli -a $PASSWORD ping"])),
    ),
    (
        data.no_password_is_an_argument,
        "cluster",
        edit(*REDIS, f"{CONTAINER}/lifecycle/preStop/exec", put(command=["redis-cli", "-a", "pw", "shutdown"])),
    ),
    (data.redis_keeps_its_data, "cluster", replace_text("cluster-enabled yes", "cluster-enabled no")),
    *[
        (redis_cluster.nodes_are_told_by_name_and_know_their_place, "cluster", replace_text(*words))
        for words in (
            ("/data/nodes.conf", "/tmp/nodes.conf"),
            ("endpoint-type hostname", "endpoint-type ip"),
            ("full-coverage no", "full-coverage yes"),
            ("replica-migration no", "replica-migration yes"),
        )
    ],
    (
        redis_cluster.nodes_are_told_by_name_and_know_their_place,
        "cluster",
        edit(*REDIS, f"{CONTAINER}/volumeMounts/0", put(mountPath="/var/lib/redis")),
    ),
    (redis_cluster.pods_are_found_before_they_are_ready, "cluster", edit(*HEADLESS, "spec", drop("clusterIP"))),
    (
        redis_cluster.pods_are_found_before_they_are_ready,
        "cluster",
        edit(*HEADLESS, "spec", drop("publishNotReadyAddresses")),
    ),
    (
        redis_cluster.pods_are_found_before_they_are_ready,
        "cluster",
        edit(*REDIS, "spec", put(podManagementPolicy="OrderedReady")),
    ),
    (redis_cluster.no_shard_loses_both_its_nodes, "cluster", edit(*REDIS, "spec", put(replicas=5))),
    (redis_cluster.no_shard_loses_both_its_nodes, "cluster", edit(*REDIS, f"{CONTAINER}/env/0", put(value="2"))),
    (redis_cluster.no_shard_loses_both_its_nodes, "cluster", edit(*REDIS, f"{CONTAINER}/env/1", put(value="0"))),
    (redis_cluster.no_shard_loses_both_its_nodes, "cluster", edit(*REDIS, CONTAINER, drop("lifecycle"))),
    (
        redis_cluster.no_shard_loses_both_its_nodes,
        "cluster",
        edit(*REDIS, f"{CONTAINER}/readinessProbe/exec", put(command=["redis-cli", "-e", "ping"])),
    ),
    (
        redis_cluster.what_the_pods_run_is_mounted,
        "cluster",
        edit(*REDIS, f"{CONTAINER}/lifecycle/preStop/exec", put(command=["/etc/redis/end.sh"])),
    ),
    (
        redis_cluster.what_the_pods_run_is_mounted,
        "cluster",
        edit(*REDIS, f"{POD}/volumes/0/configMap", drop("defaultMode")),
    ),
    (
        redis_cluster.clients_know_the_pods_and_may_reach_them,
        "cluster",
        edit(*ADDRESS, put(value="redis://*.larder-redis.larder.svc:6379", valueFrom={})),
    ),
    (redis_cluster.clients_know_the_pods_and_may_reach_them, "cluster", edit(*REDIS, "spec", put(serviceName="redis"))),
    (
        redis_cluster.clients_know_the_pods_and_may_reach_them,
        "cluster",
        edit(*APP, "spec/variables", lose("redis_nodes")),
    ),
    (
        redis_cluster.a_failover_loses_no_acknowledged_write,
        "cluster",
        edit(*APP, "spec/variables", lose("min_replicas")),
    ),
    (
        redis_cluster.a_failover_loses_no_acknowledged_write,
        "cluster",
        edit(*APP, "spec/variables/min_replicas", put(value="2")),
    ),
    # A list, as a literal and from the Secret; no address at all; nodes out of reach; a pattern and no node.
    *[
        (redis_address.the_component_may_connect_to_its_redis, variant, edit(*ADDRESS, put(valueFrom={}, value=value)))
        for variant, value in (
            ("dev", "redis://a:6379,b:6379"),
            ("dev", "redis://a:6379,redis://b:6379"),
            ("dev", ""),
            ("dev", "larder-redis:6379"),
            ("dev", "redis://user:password@larder-redis:6379"),
            ("dev", "redis://larder-redis:6379/0"),
            ("dev", "redis://*.larder-redis:6379"),
            ("production", "rediss://10.0.0.0/8:6380"),
            ("cluster", "rediss://*.larder-redis:6379"),
            ("cluster", "redis://*.larder-redis:6380"),
            ("cluster", "redis://10.0.0.0/8:6379"),
            ("cluster", "redis://larder-redis-0.larder-redis:6379"),
        )
    ],
    (
        redis_address.the_component_may_connect_to_its_redis,
        "cluster",
        edit(*ADDRESS, put(valueFrom={"secretKeyRef": {"name": "larder-redis", "key": "nodes"}})),
    ),
    *[
        (webhooks.spin_operator_writes_no_null, "dev", edit(*APP, f"spec/checks/{check}/httpGet", drop("httpHeaders")))
        for check in ("readiness", "liveness")
    ],
    (
        webhooks.spin_operator_writes_no_null,
        "dev",
        edit(*APP, "spec", put(volumes=[{"name": "all", "projected": {"defaultMode": 0o444}}])),
    ),
    (webhooks.spin_operator_refuses_nothing, "dev", edit(*APP, "spec", put(executor="spin"))),
    (webhooks.spin_operator_refuses_nothing, "dev", edit(*APP, "spec", drop("replicas"))),
    (webhooks.spin_operator_refuses_nothing, "production", edit(*APP, "spec", put(replicas=3))),
    (
        webhooks.spin_operator_refuses_nothing,
        "dev",
        edit("SpinAppExecutor", "spin-image", "spec/deploymentConfig", put(runtimeClassName="wasmtime-spin-v2")),
    ),
    (
        webhooks.spin_operator_refuses_nothing,
        "dev",
        edit("SpinAppExecutor", "spin-image", "spec", put(deploymentConfig={})),
    ),
]
