"""As much of a Dockerfile as the checks need."""

import re

from repository import git_files, text


def dockerfiles():
    return [path for path in git_files() if path.rsplit("/", 1)[-1] == "Dockerfile"]


def instructions(path):
    """(instruction, the rest), with continued lines joined and without comments."""
    lines = [line for line in text(path).splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def stages(path):
    """The images that the stages start from, with the defaults of their arguments."""
    arguments = dict(rest.split("=", 1) for name, rest in instructions(path) if name == "ARG" and "=" in rest)
    starts = [rest.split()[0] for name, rest in instructions(path) if name == "FROM"]
    return [re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], start) for start in starts]


def cargo_builds(path):
    """The commands of its RUN instructions that build with cargo, as they are written there."""
    commands = []
    for name, rest in instructions(path):
        if name == "RUN":
            shell = re.sub(r"^(--\S+\s+)+", "", rest)
            commands += [part.strip() for part in shell.split("&&")]
    return [command for command in commands if command.startswith("cargo build ")]
