"""What the optional MutatingAdmissionPolicies do to the component's pods, by evaluating them."""

import re

import celpy
import jsonpatch
import pytest
import yaml

from cluster import Cluster
from rendering import K8S, render

# Each policy, and a variant whose pods it is for.
POLICIES = [("api-pods.yaml", "dev"), ("api-pods-restricted.yaml", "dev, everything")]
GRACE_SECONDS = 30  # Kubernetes' default; SpinApp has no field for it


def policy(file):
    return next(yaml.safe_load_all((K8S / "cluster" / file).read_text()))["spec"]


def component_pod(variant):
    return next(w.pod for w in Cluster(render(variant), []).workloads if w.by_spin)


def mutated(spec, pod):
    """The pod as the API server would make it. JSONPatch is a type that only Kubernetes' CEL has."""
    (mutation,) = spec["mutations"]
    text = mutation["jsonPatch"]["expression"]
    text = re.sub(r"JSONPatch{op: (\S+), path: (\S+), value: ", r'{"op": \1, "path": \2, "value": ', text)
    environment = celpy.Environment()
    program = environment.program(environment.compile(text))
    patches = program.evaluate({"object": celpy.json_to_cel({"spec": pod})})
    return jsonpatch.apply_patch({"spec": pod}, plain(patches))["spec"]


def plain(value):
    """A CEL value as JSON would have it."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, celpy.celtypes.BoolType):
        return bool(value)
    return int(value) if isinstance(value, int) else str(value)


@pytest.mark.parametrize(("file", "variant"), POLICIES)
def test_the_policy_has_the_form_that_the_api_server_takes(file, variant):
    spec = policy(file)
    assert "variables" not in spec, "there Object types are unknown"
    assert "Object" not in str(spec["mutations"]), "a list of them makes the API server panic (kubernetes#142181)"
    # A map of which some values are dyn and some are not has no type.
    for text in re.findall(r"value: {([^{}]*)", spec["mutations"][0]["jsonPatch"]["expression"]):
        assert re.findall(r'"\w+": (?!dyn)', text) == [], text


@pytest.mark.parametrize(("file", "variant"), POLICIES)
def test_the_component_spreads_and_stays_until_nobody_is_sent_to_it(file, variant):
    pod = mutated(policy(file), component_pod(variant))
    spread = pod["topologySpreadConstraints"]
    assert {c["topologyKey"] for c in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    labels = next(d for d in render(variant) if d["kind"] == "SpinApp")["spec"]["podLabels"]
    assert all(c["labelSelector"]["matchLabels"].items() <= labels.items() for c in spread)
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert 5 <= sleep <= pod.get("terminationGracePeriodSeconds", GRACE_SECONDS) - 10


@pytest.mark.parametrize(("file", "variant"), POLICIES)
def test_privileges_are_taken(file, variant):
    pod = mutated(policy(file), component_pod(variant))
    context = pod["containers"][0]["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"]["drop"] == ["ALL"]
    if variant == "dev":
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    else:
        assert context["readOnlyRootFilesystem"] is True and "add" not in context["capabilities"]
        assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] == 65532
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_what_an_operator_has_set_stays():
    pod = component_pod("dev")
    pod["containers"][0] |= {"securityContext": {"privileged": False}, "lifecycle": {}}
    pod["topologySpreadConstraints"] = []
    assert mutated(policy("api-pods.yaml"), pod) == pod
