"""The workflows cannot run here, so they are held against what they name: actions, files, packages, programs, versions."""

import re

import pytest

from dockerfile import cargo_builds, dockerfiles, stages
from repository import ROOT, facts, git_files, packages, run, targets, text
from workflows import PATHS, commands, jobs, steps, workflow

RELEASE = ".github/workflows/release.yml"


def test_actionlint_finds_nothing():
    assert len(PATHS) >= 2
    done = run("actionlint", "-shellcheck", "shellcheck", *PATHS)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("needs: [facts, images]", "needs: [facts, image]", '"image"'),
        ("${{ matrix.target }}", "${{ matrix.tragte }}", "tragte"),
        ("runner: ubuntu-24.04-arm", "runner: ubuntu-24.04-amr", "ubuntu-24.04-amr"),
        ('release/pack.sh "$TARGET"', "release/pack.sh $TARGET", "SC2086"),
        ("packages: write", "package: write", '"package"'),
    ],
)
def test_actionlint_and_shellcheck_can_fail(tmp_path, was, becomes, said):
    good = text(RELEASE)
    assert was in good
    bad = tmp_path / "bad.yml"
    bad.write_text(good.replace(was, becomes))
    done = run("actionlint", "-shellcheck", "shellcheck", bad)
    assert done.returncode == 1 and said in done.stdout, done.stdout


def test_actions_are_pinned_by_commit_and_say_which_version():
    used = [step["uses"] for _, _, step in steps() if "uses" in step]
    assert used
    for path in PATHS:
        for line in re.findall(r"^\s*(?:- )?uses: (.*)$", text(path), re.MULTILINE):
            assert line.startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line
    versions = {name: {use for use in used if use.startswith(f"{name}@")} for name in {u.split("@")[0] for u in used}}
    assert all(len(found) == 1 for found in versions.values()), versions


def test_no_job_may_more_than_it_has_to():
    assert all(workflow(path)["permissions"] == {"contents": "read"} for path in PATHS)
    may = {name: {k for k, v in job["permissions"].items() if v == "write"} for _, name, job in jobs() if "permissions" in job}
    attests = {"id-token", "attestations"}
    assert may == {
        "components": {"packages"},
        "images": {"packages"},
        "names": {"packages"},
        "provenance": {"packages"} | attests,
        "release": {"contents"} | attests,
    }
    for path, name, step in steps():
        if "checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] == "false", (path, name)


def test_every_job_ends():
    assert [name for _, name, job in jobs() if "timeout-minutes" not in job and "uses" not in job] == []


def test_what_is_released_was_tested():
    of = workflow(RELEASE)["jobs"]
    assert of["test"]["uses"] == "./.github/workflows/ci.yml"
    for name in ("programs", "components", "images"):
        assert "test" in of[name]["needs"], name
    assert ".ci/run" in commands()


def test_the_scripts_that_are_called_exist():
    called = re.findall(r"(?:^|[\s\"'(])((?:\./)?(?:[\w.-]+/)+[\w.-]+\.sh|\.ci/\w+)\b", "\n".join(commands()))
    assert {"release/pack.sh", "release/try.sh", "k8s/steps/push.sh", ".ci/run", ".ci/alone"} <= set(called)
    for script in called:
        assert script in git_files() and (ROOT / script).stat().st_mode & 0o100, script


def test_the_packages_that_are_built_exist():
    builders = [*dockerfiles(), *PATHS, *(path for path in git_files() if path.startswith("release/") and path.endswith(".sh"))]
    named = {name for path in builders for name in re.findall(r"(?:--package|-p)[ =](larder[\w-]*)", text(path))}
    assert {"larder-cli", "larder-local", "larder-worker"} <= named <= set(packages())


def test_all_programs_are_packed_and_tried():
    programs = {name for name, package in targets("bin").items() if package.startswith("larder-")}
    (copied,) = re.findall(r"^cp (.*) LICENSE", text("release/pack.sh"), re.MULTILINE)
    assert set(re.findall(r"/([\w-]+)\"", copied)) == programs
    (tried,) = re.findall(r"^for program in (.*); do .*--version", text("release/try.sh"), re.MULTILINE)
    assert set(tried.split()) == programs


def test_all_components_are_released():
    kept = set(re.findall(r"(\w+)\.wasm", text("release/components.sh")))
    # larder_bare is for the benchmark.
    assert kept == set(targets("cdylib")) - {"larder_bare"} and len(kept) == 2


def test_all_images_are_released():
    known = set(re.findall(r"^ {8}(larder[\w-]*)\) push_", text("k8s/steps/push.sh"), re.MULTILINE))
    pushed = re.findall(r"steps/push\.sh ([a-z0-9 -]+)", "\n".join(commands()))
    assert sorted(" ".join(pushed).split()) == sorted(known) and len(known) == 4
    (attested,) = (job for _, name, job in jobs() if name == "provenance")
    assert set(attested["strategy"]["matrix"]["image"]) == known
    (both,) = re.findall(r"for image in (.*); do\n\s*name=", "\n".join(commands()))
    assert set(both.split()) == {name for name in known if re.search(rf"{name}\) push_container", text("k8s/steps/push.sh"))}


def test_one_rust_builds_everything_and_is_new_enough():
    rust = facts()["rust"]
    for path in dockerfiles():
        assert stages(path)[0].startswith(f"docker.io/library/rust:{rust}-"), path
        assert cargo_builds(path), path
    (job,) = (job for _, _, job in jobs() if "container" in job)
    assert job["container"]["image"] == f"docker.io/library/rust:{rust}-bookworm"
    oldest = {package["rust_version"] for package in packages().values()}
    assert all(numbers(least) <= numbers(rust) for least in oldest)


def numbers(version):
    return [int(number) for number in version.split(".")]


def test_a_tag_of_another_version_is_refused():
    version = facts()["version"]
    assert run("release/facts.sh", f"v{version}").returncode == 0
    for tag in (f"{version}", "v99.0.0", f"v{version}-rc.1", "main"):
        done = run("release/facts.sh", tag)
        assert done.returncode == 1 and f"must be v{version}" in done.stderr, tag


def test_the_notes_are_the_section_of_the_version():
    done = run("release/notes.sh", "Unreleased")
    assert done.returncode == 0 and "### Added" in done.stdout and "## [" not in done.stdout
    assert run("release/notes.sh", "99.0.0").returncode == 1
