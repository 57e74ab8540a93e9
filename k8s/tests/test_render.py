"""What render.sh offers does what it says, and the manifests agree with the rest of the repository."""

import re
import tomllib

import promql_parser
import pytest
import yaml

from rendering import K8S, REPOSITORY, VARIANTS, render, render_text, run

VERSION = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["workspace"]["package"]["version"]


@pytest.mark.parametrize("overlay", ["dev", "cluster", "production"])
def test_without_settings_it_is_what_kubectl_apply_k_applies(overlay):
    assert render_text(overlay) == run("kubectl", "kustomize", str(K8S / "overlays" / overlay))


def test_every_overlay_and_component_is_rendered_somewhere():
    overlays = {overlay for overlay, _ in VARIANTS.values()}
    components = {name for _, names in VARIANTS.values() for name in names.split()}
    assert overlays == {p.name for p in (K8S / "overlays").iterdir()}
    assert components == {p.name for p in (K8S / "components").iterdir()}


@pytest.mark.parametrize("overlay", ["dev", "cluster"])
@pytest.mark.parametrize("components", ["", "spin-image restricted worker-keda prometheus"])
def test_another_namespace_leaves_no_trace_of_the_first(overlay, components):
    text = render_text(overlay, components, NAMESPACE="elsewhere")
    namespaces = {d["metadata"].get("namespace") for d in yaml.safe_load_all(text) if d["kind"] != "Namespace"}
    assert namespaces == {"elsewhere"}
    assert 'namespace="larder"' not in text and ".larder.svc" not in text


@pytest.mark.parametrize("components", ["", "spin-image"])
def test_registry_and_tag_reach_every_image_of_ours(components):
    text = render_text("dev", components, REGISTRY="registry.example.com/team", IMAGE_TAG="1.2.3")
    api = "larder-api-wasi03" if components else "larder-api"
    images = {f"registry.example.com/team/{api}:1.2.3", "registry.example.com/team/larder-worker:1.2.3"}
    assert set(re.findall(r"image: (\S*larder-\S*)", text)) == images


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_tag_is_the_version_of_the_workspace(variant):
    images = re.findall(r"image: (\S*/larder-\S*)", yaml.safe_dump_all(render(variant)))
    assert len(images) == 2
    assert {image.rsplit(":", 1)[1] for image in images} == {VERSION}


def test_an_unknown_overlay_is_refused():
    with pytest.raises(AssertionError, match="there is no k8s/overlays/staging"):
        render_text("staging")


def test_nothing_is_left_behind():
    assert list(K8S.glob(".render.*")) == []


def test_the_runtime_configuration_is_that_of_the_repository():
    secret = next(d for d in render("dev") if d["metadata"]["name"] == "larder-runtime-config")
    ours = tomllib.loads(secret["stringData"]["runtime-config.toml"])
    assert ours == tomllib.loads((REPOSITORY / "runtime-config.toml").read_text())


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_variables_are_those_of_the_application(variant):
    declared = tomllib.loads((REPOSITORY / "spin.toml").read_text())["variables"].keys()
    app = next(d for d in render(variant) if d["kind"] == "SpinApp")
    given = {v["name"] for v in app["spec"]["variables"]}
    assert given <= declared


def test_what_prometheus_is_asked_is_promql():
    documents = {d["kind"]: d for d in render("dev, everything")}
    rules = [rule for group in documents["PrometheusRule"]["spec"]["groups"] for rule in group["rules"]]
    asked = [rule["expr"] for rule in rules]
    asked += [trigger["metadata"]["query"] for trigger in documents["ScaledObject"]["spec"]["triggers"]]
    assert len(asked) >= 8
    for expression in asked:
        promql_parser.parse(expression)
    with pytest.raises(ValueError, match="unclosed"):
        promql_parser.parse("sum(larder_pending")


def test_every_alert_is_in_the_manual():
    rules = next(d for d in render("dev, everything") if d["kind"] == "PrometheusRule")
    alerts = {rule["alert"] for group in rules["spec"]["groups"] for rule in group["rules"]}
    manual = (REPOSITORY / "docs/kubernetes.md").read_text()
    assert alerts == set(re.findall(r"`(Larder\w+)`", manual))


def test_the_bound_of_the_queue_is_the_default_of_the_application():
    default = tomllib.loads((REPOSITORY / "spin.toml").read_text())["variables"]["max_pending"]["default"]
    settings = next(d for d in render("dev") if d["metadata"]["name"] == "larder-settings")
    assert settings["data"]["max-pending"] == default


def test_the_monitor_scrapes_a_port_of_the_workers():
    documents = {d["kind"]: d for d in render("dev, everything") if d["metadata"]["name"] == "larder-worker"}
    ports = documents["Deployment"]["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert [e["port"] for e in documents["PodMonitor"]["spec"]["podMetricsEndpoints"]] == [p["name"] for p in ports]


def test_the_policies_of_the_cluster_find_the_pods_of_the_component():
    labels = next(d for d in render("dev") if d["kind"] == "SpinApp")["spec"]["podLabels"]
    namespace = next(d for d in render("dev") if d["kind"] == "Namespace")["metadata"]["labels"]
    files = sorted((K8S / "cluster").glob("api-pods*.yaml"))
    assert len(files) == 2
    for file in files:
        constraints = next(yaml.safe_load_all(file.read_text()))["spec"]["matchConstraints"]
        assert constraints["objectSelector"]["matchLabels"].items() <= labels.items()
        assert constraints["namespaceSelector"]["matchLabels"].items() <= namespace.items()


@pytest.mark.parametrize("variant", ["dev", "cluster"])
def test_a_backup_is_put_back_with_the_image_and_the_user_of_redis(variant):
    redis = next(d for d in render(variant) if d["kind"] == "StatefulSet")
    pod = yaml.safe_load((K8S / "restore-pod.yaml").read_text())["spec"]
    theirs = redis["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == theirs["containers"][0]["image"]
    assert pod["securityContext"]["runAsUser"] == theirs["securityContext"]["runAsUser"]
    claim = f"{redis['spec']['volumeClaimTemplates'][0]['metadata']['name']}-{redis['metadata']['name']}-0"
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == claim
