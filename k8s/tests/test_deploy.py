"""deploy.sh against doubles of the cluster: what it calls, in which order, and what it says."""

import re
import signal

import pytest
import yaml

from doubles import TOKEN, changes, deploy, tools_without
from rendering import K8S, render_text


def index(calls, pattern):
    """Where the only call is that matches."""
    found = [i for i, call in enumerate(calls) if re.search(pattern, call)]
    assert len(found) == 1, (pattern, calls)
    return found[0]


@pytest.mark.parametrize("script", ["deploy.sh", "undeploy.sh", "secrets.sh"])
def test_help_tells_of_every_option(bench, script):
    done = bench.run(script, "--help")
    assert done.returncode == 0
    cases = (K8S / script).read_text().split("while [ $# -gt 0 ]")[1].split("\ndone")[0]
    options = set(re.findall(r"(?<![\w-])(--[a-z-]+)(?=\)| \|)", cases))
    assert len(options) >= 3
    assert options - {"--help"} <= set(re.findall(r"--[a-z-]+", done.stdout))
    assert bench.calls == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--what"], "unknown option --what"),
        (["--overlay"], "--overlay needs a value"),
        (["--overlay", "staging"], "there is no k8s/overlays/staging"),
    ],
)
def test_a_wrong_option_changes_nothing(bench, arguments, said):
    done = deploy(bench, *arguments)
    assert done.returncode == 2 and said in done.stderr
    assert changes(bench.calls) == []


def test_everything_happens_in_order(bench):
    done = deploy(bench)
    assert done.returncode == 0, done.stderr
    calls = bench.calls
    order = [index(calls, "get crd spinapps.core.spinkube.dev"), index(calls, "get runtimeclass wasmtime-spin-v2")]
    namespace, everything = [i for i, c in enumerate(calls) if c == "kubectl apply --filename -"]
    order.append(namespace)
    order += [i for i, c in enumerate(calls) if c == "kubectl create --filename -"]
    order.append(everything)
    order += [
        index(calls, f"rollout status {w} ")
        for w in ("statefulset.apps/larder-redis", "deployment/larder-worker", "deployment/larder")
    ]
    order.append(index(calls, "port-forward service/larder"))
    assert order == sorted(order) and len(order) == 11
    made = [yaml.safe_load_all(text) for text in bench.inputs("create")]
    assert [next(m)["metadata"]["name"] for m in made] == ["larder-redis", "larder-client", "larder-tokens"]
    applied = bench.inputs("apply")
    assert [d["kind"] for d in yaml.safe_load_all(applied[0])] == ["Namespace"]
    assert applied[1].strip() == render_text("dev").strip()


def test_a_cluster_is_deployed_as_one_redis_is(bench):
    done = deploy(bench, "--overlay", "cluster")
    assert done.returncode == 0, done.stderr
    assert bench.inputs("apply")[1].strip() == render_text("cluster").strip()
    index(bench.calls, "rollout status statefulset.apps/larder-redis ")


def test_it_writes_reads_and_removes_an_item(bench):
    assert deploy(bench).returncode == 0
    asked = [r.split(" ")[0] for r in bench.store.requests if "/items/" in r]
    assert asked == ["PUT", "GET", "DELETE", "GET"] and bench.store.items == {}
    assert not any(TOKEN in call for call in bench.calls)


def test_settings_reach_everything(bench):
    bench.rules(["get deployment larder --output", {"out": "example.com/larder-api:7"}])
    done = deploy(bench, "--namespace", "elsewhere", "--registry", "example.com", "--image-tag", "7")
    assert done.returncode == 0, done.stderr
    assert (
        bench.inputs("apply")[1].strip()
        == render_text("dev", NAMESPACE="elsewhere", REGISTRY="example.com", IMAGE_TAG="7").strip()
    )
    of_namespace = [c for c in bench.calls if " --namespace " in c]
    assert len(of_namespace) > 5 and all("--namespace elsewhere" in c for c in of_namespace)


def test_everything_that_is_missing_is_said_at_once(bench):
    bench.rules(["get (crd|runtimeclass)", {"exit": 1, "err": "Error from server (NotFound): ..."}])
    done = deploy(bench, "--component", "worker-keda", "--component", "prometheus", "--component", "restricted")
    assert done.returncode == 1
    for what in (
        "spinapps.core.spinkube.dev",
        "spinappexecutors.core.spinkube.dev",
        "wasmtime-spin-v2",
        "KEDA",
        "the Prometheus operator",
        "the component spin-image",
    ):
        assert (
            f"missing: {what}" in done.stderr
            or f"missing: the resource type {what}" in done.stderr
            or f"missing: the RuntimeClass {what}" in done.stderr
        )
    assert changes(bench.calls) == []


def test_without_the_shim_no_runtime_class_is_needed(bench):
    bench.rules(["get runtimeclass", {"exit": 1, "err": "Error from server (NotFound): ..."}])
    assert deploy(bench, "--component", "spin-image").returncode == 0


def test_who_may_not_look_may_go_on(bench):
    bench.rules(["get (crd|runtimeclass)", {"exit": 1, "err": "Error from server (Forbidden): ..."}])
    done = deploy(bench)
    assert done.returncode == 0 and done.stderr.count("cannot tell whether there is") == 3


def test_a_missing_tool_is_said(bench, tmp_path):
    bench.path = tools_without(tmp_path / "tools", "kubectl", "curl")
    done = deploy(bench)
    assert done.returncode == 1
    assert "missing: kubectl" in done.stderr and "missing: curl" in done.stderr


def test_a_cluster_that_does_not_answer_is_said(bench):
    bench.rules(["kubectl version", {"exit": 1, "err": "a warning\nThe connection to the server was refused\n"}])
    done = deploy(bench)
    assert done.returncode == 1
    assert "The connection to the server was refused" in done.stderr and "use-context" in done.stderr
    assert changes(bench.calls) == []


def test_a_dry_run_prints_and_touches_nothing(bench):
    done = deploy(bench, "--dry-run", "--namespace", "elsewhere")
    assert done.returncode == 0
    assert done.stdout == render_text("dev", NAMESPACE="elsewhere")
    assert bench.calls == []


def test_an_executor_that_the_webhook_does_not_see_yet_is_tried_again(bench):
    # The first apply is that of the namespace.
    bench.rules(
        ["apply", {"times": 1}], ["apply", {"exit": 1, "times": 1, "err": "executor does not exist in namespace"}]
    )
    done = deploy(bench)
    assert done.returncode == 0 and "trying again" in done.stderr
    assert len(bench.inputs("apply")) == 3


def test_what_cannot_be_applied_ends_it(bench):
    bench.rules(["apply", {"times": 1}], ["apply", {"exit": 1, "err": "no"}])
    done = deploy(bench)
    assert done.returncode == 1 and len(bench.inputs("apply")) == 4
    assert not any("rollout" in c for c in bench.calls)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (["rollout status deployment/larder-worker", {"exit": 1}], "deployment/larder-worker was not ready"),
        (
            ["get deployment larder --output", {"out": "an older image"}],
            "spin-operator made no Deployment for ghcr.io/larder-store/larder-api:0.1.0",
        ),
    ],
)
def test_a_failed_rollout_is_explained(bench, rule, said):
    bench.rules(
        rule,
        ["get events", {"out": "Failed to pull image"}],
        ["logs .*component=worker", {"out": "Redis is unreachable"}],
    )
    done = deploy(bench)
    assert done.returncode == 1 and said in done.stderr
    assert "Failed to pull image" in done.stderr and "Redis is unreachable" in done.stderr
    assert not any("port-forward" in c for c in bench.calls)


def test_a_store_that_answers_wrong_fails_the_test(bench):
    bench.store.corrupt = b"something else"
    done = deploy(bench)
    assert done.returncode == 1 and 'read "something else" after' in done.stderr


def test_a_store_that_is_not_ready_is_told_though_its_pods_are(bench):
    bench.store.unready = True
    done = deploy(bench, "--timeout", "1")
    assert done.returncode == 1 and "the store is not ready: workers: none has reported" in done.stderr
    assert bench.store.items == {}


def test_a_wrong_token_fails_the_test(bench):
    done = deploy(bench, LARDER_TOKEN="larder_wrong")
    assert done.returncode == 1 and "answered 401 instead of 201: who are you?" in done.stderr


def test_a_port_of_somebody_else_is_not_taken_for_ours(bench):
    bench.rules(["port-forward", {"exit": 1, "err": "address already in use"}])
    done = deploy(bench)
    assert done.returncode == 1 and "--port chooses another" in done.stderr
    assert bench.store.requests == []


def test_it_forwards_until_it_is_told_to_stop(bench):
    process = bench.start("deploy.sh", "--port", bench.port, "--timeout", "2")
    said = ""
    while "Larder is ready" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) != 0


def test_push_builds_both_components_and_the_worker(bench):
    bench.rules(["get deployment larder --output", {"out": "example.com/larder-api:7"}])
    done = deploy(bench, "--push", "--registry", "example.com", "--image-tag", "7")
    assert done.returncode == 0, done.stderr
    pushed = [c for c in changes(bench.calls) if not c.startswith("kubectl")]
    assert [c.split(" --build-arg")[0] for c in pushed] == [
        "make component WASI=0.2",
        "spin registry push --from spin-wasip2.toml example.com/larder-api:7",
        "make component WASI=0.3",
        "spin registry push --from spin.toml example.com/larder-api-wasi03:7",
        "docker build --file worker/Dockerfile --tag example.com/larder-worker:7",
        "docker push example.com/larder-worker:7",
    ]
    assert index(bench.calls, "docker push") < bench.calls.index("kubectl apply --filename -")
