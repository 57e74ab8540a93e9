"""The workflows of GitHub, as far as the checks look into them."""

from functools import cache

import yaml

from repository import git_files, text

PATHS = [path for path in git_files() if path.startswith(".github/workflows/")]


@cache
def workflow(path):
    # Without resolving: YAML 1.1 takes `on` for true.
    return yaml.load(text(path), Loader=yaml.BaseLoader)


def jobs():
    """(path, name, job) of every job."""
    return [(path, name, job) for path in PATHS for name, job in workflow(path)["jobs"].items()]


def steps():
    """(path, name of the job, step) of every step."""
    return [(path, name, step) for path, name, job in jobs() for step in job.get("steps", [])]


def commands():
    """Everything that the steps run."""
    return [step["run"] for _, _, step in steps() if "run" in step]
