"""Every document has the form that its kind has: for Kubernetes by its OpenAPI schemas, for SpinKube
by the CRDs of the operator, where those are at hand, and as the operator's webhooks leave it."""

import os
from functools import cache
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

from rendering import K8S, REPOSITORY, VARIANTS, render
from spin_operator import admitted, expand

KUBERNETES = "1.36"
CRDS = Path(os.environ.get("LARDER_SPINKUBE_CRDS", REPOSITORY.parent / "shared" / "spinkube"))
# Kinds of others. PyPI has no schemas of them; they were valid by those of npm's @kubernetes-models
# when they were written. test_render.py looks at what they say.
WITHOUT_SCHEMA = {"ScaledObject", "PodMonitor", "PrometheusRule", "Probe"}


def documents_by_themselves():
    """What is applied by hand, or by the test on a cluster."""
    files = [*(K8S / "cluster").glob("*.yaml"), *(K8S / "cluster-test").glob("*.yaml"), *K8S.glob("*.yaml")]
    return [d for file in sorted(files) for d in yaml.safe_load_all(file.read_text())]


def all_documents():
    sources = {variant: render(variant) for variant in VARIANTS} | {"by itself": documents_by_themselves()}
    return [
        pytest.param(document, id=f"{source}: {document['kind']} {document['metadata']['name']}")
        for source, documents in sources.items()
        for document in documents
    ]


@cache
def crd_schema(kind, version):
    """The schema of a SpinKube document, closed: the API server drops a field that it does not know."""
    for file in CRDS.glob("*.yaml"):
        crd = yaml.load(file.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if crd["spec"]["names"]["kind"] == kind:
            (found,) = (v for v in crd["spec"]["versions"] if v["name"] == version)
            return close(found["schema"]["openAPIV3Schema"])
    raise LookupError(f"no CRD of {kind} in {CRDS}")


def close(schema, top=True):
    if isinstance(schema, list):
        return [close(s, False) for s in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {k: close(v, False) for k, v in schema.items()}
    if "properties" in closed and not closed.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    if top:
        closed["properties"]["metadata"] = {"type": "object"}
    return closed


def validate(document):
    if document["apiVersion"].startswith("core.spinkube.dev/"):
        if not CRDS.is_dir():
            pytest.skip(f"no CRDs of SpinKube in {CRDS}; LARDER_SPINKUBE_CRDS names their folder")
        schema = crd_schema(document["kind"], document["apiVersion"].split("/")[1])
        jsonschema.validate(admitted(document), schema, jsonschema.Draft7Validator)
    elif document["kind"] in WITHOUT_SCHEMA:
        pytest.skip(f"there is no schema of {document['kind']} at hand")
    else:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


@pytest.mark.parametrize("document", all_documents())
def test_documents_are_valid(document):
    validate(document)


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_spin_operator_makes_is_valid(variant):
    for document in expand(render(variant)):
        if document["metadata"]["name"] == "larder" and document["kind"] in ("Deployment", "Service"):
            kubernetes_validate.validate(document, KUBERNETES, strict=True)


def of_kind(kind):
    return next(d for d in render("dev") if d["kind"] == kind)


@pytest.mark.parametrize("kind", ["Deployment", "NetworkPolicy", "SpinApp", "SpinAppExecutor"])
def test_an_unknown_field_is_found(kind):
    document = of_kind(kind)
    document["spec"]["replica"] = 2
    with pytest.raises(jsonschema.ValidationError):
        validate(document)


def test_what_the_webhooks_write_is_checked():
    document = of_kind("SpinApp")
    del document["spec"]["checks"]["liveness"]["httpGet"]["httpHeaders"]
    with pytest.raises(jsonschema.ValidationError, match="None is not of type 'array'"):
        validate(document)


@pytest.mark.parametrize(("kind", "field"), [("Deployment", "replicas"), ("SpinApp", "replicas")])
def test_a_wrong_type_is_found(kind, field):
    document = of_kind(kind)
    document["spec"][field] = "two"
    with pytest.raises(jsonschema.ValidationError):
        validate(document)
