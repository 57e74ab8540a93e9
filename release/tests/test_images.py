"""What the images are made of, what compose.yaml starts, and that their names and versions are written the same everywhere."""

import re
import tomllib

import pytest
import yaml
from compose_spec import PyCompose

from dockerfile import dockerfiles, instructions, stages
from repository import facts, git_files, run, text


def test_there_is_a_dockerfile_for_each_container():
    assert dockerfiles() == ["local/Dockerfile", "worker/Dockerfile"]


@pytest.mark.parametrize("path", dockerfiles())
def test_an_image_is_pinned_and_not_root(path):
    assert all(re.fullmatch(r"scratch|\S+:\d+\.\d+(\.\d+)?-[a-z]+[\d.]*", image) for image in stages(path)), stages(path)
    # By number, so that Kubernetes can see that it is not root.
    assert ("USER", "65532:65532") in instructions(path)
    assert "--locked" in text(path)
    labels = next(rest for name, rest in instructions(path) if name == "LABEL")
    assert {"version", "revision", "licenses"} <= set(re.findall(r"opencontainers\.image\.(\w+)=", labels))


def test_the_image_of_the_worker_holds_nothing_else():
    assert stages("worker/Dockerfile")[-1] == "scratch"
    assert not {name for name, _ in instructions("worker/Dockerfile")} & {"CMD", "SHELL", "HEALTHCHECK"}


def check(compose):
    """What docker compose would refuse, and what we would."""
    PyCompose.from_yaml(compose)
    read = yaml.safe_load(compose)
    (service,) = read["services"].values()
    named = {volume.split(":")[0] for volume in service["volumes"]}
    assert named <= set(read["volumes"]), "a volume is not declared"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"]), "others could reach a store that asks for no token"
    assert service["build"]["dockerfile"] in dockerfiles()
    # What the image goes by.
    told = dict(instructions(service["build"]["dockerfile"]))
    assert {port.rsplit(":", 1)[1] for port in service["ports"]} == {told["EXPOSE"]}
    assert {volume.split(":")[1] for volume in service["volumes"]} == {told["VOLUME"]}
    assert "HEALTHCHECK" in told and f"0.0.0.0:{told['EXPOSE']}" in told["ENTRYPOINT"]
    assert service["image"] == f"{facts()['registry']}/larder:{facts()['version']}"


def test_compose_is_what_docker_takes():
    check(text("compose.yaml"))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("init:", "inti:"),
        ("127.0.0.1:3000:3000", "3000:3000"),
        ("127.0.0.1:3000:3000", "127.0.0.1:3000:3001"),
        ("data:/data", "other:/data"),
        ("data:/data", "data:/srv"),
        ("unless-stopped", "sometimes"),
        ("local/Dockerfile", "cli/Dockerfile"),
        (f"larder:{facts()['version']}", "larder:latest"),
    ],
)
def test_compose_can_be_wrong(was, becomes):
    compose = text("compose.yaml")
    assert was in compose
    with pytest.raises((AssertionError, ValueError)):
        check(compose.replace(was, becomes))


TEXTS = [path for path in git_files() if not re.search(r"\.(png|svg|lock)$", path) and "CHANGELOG" not in path]


def test_the_registry_is_the_same_everywhere():
    registry = facts()["registry"]
    found = {}
    for path in TEXTS:
        for name in re.findall(r"\bghcr\.io/[\w.-]+", text(path)):
            found.setdefault(name, set()).add(path)
    # Spin and its operator are others'.
    assert set(found) - {"ghcr.io/spinframework"} == {registry}
    assert {"compose.yaml", "k8s/components/spin-image/kustomization.yaml"} <= found[registry]


def test_the_version_is_the_same_everywhere():
    version, registry = facts()["version"], facts()["registry"]
    assert tomllib.loads(text("Cargo.toml"))["workspace"]["package"]["version"] == version
    for manifest in ("spin.toml", "spin-wasip2.toml"):
        assert tomllib.loads(text(manifest))["application"]["version"] == version, manifest
    for image in yaml.safe_load(text("k8s/base/kustomization.yaml"))["images"]:
        assert image["newTag"] == version, image
    for path in TEXTS:
        for tag in re.findall(rf"{re.escape(registry)}/larder[\w-]*:(\d[\w.-]*)", text(path)):
            assert tag == version, path


def test_every_manifest_names_an_image_that_is_released():
    released = set(re.findall(r"^ {8}(larder[\w-]*)\) push_", text("k8s/steps/push.sh"), re.MULTILINE))
    named = {n for path in TEXTS for n in re.findall(rf"{re.escape(facts()['registry'])}/(larder[\w-]*)", text(path))}
    assert named == released


def test_push_refuses_an_image_that_there_is_not():
    done = run("k8s/steps/push.sh", "larder-web", env={"REGISTRY": "r", "IMAGE_TAG": "1", "PATH": "/usr/bin:/bin"})
    assert done.returncode == 2 and "there is no image larder-web" in done.stderr
