"""The manifests as kubectl would apply them, in the combinations that are offered."""

import copy
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import yaml

K8S = Path(__file__).resolve().parent.parent
REPOSITORY = K8S.parent

# The pinned kubectl and shellcheck, which are beside this Python, before those of the machine.
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

# Name -> (overlay, components). Every overlay as it is, and every component in some of them.
VARIANTS = {
    "dev": ("dev", ""),
    "cluster": ("cluster", ""),
    "production": ("production", ""),
    "dev, everything": ("dev", "spin-image restricted worker-keda prometheus opentelemetry"),
    "cluster, everything": ("cluster", "spin-image restricted worker-keda prometheus opentelemetry"),
    "production, everything": ("production", "spin-image restricted worker-keda prometheus opentelemetry"),
}


def run(*command, **environment):
    """Runs a command and returns what it printed; raises with its errors where it fails."""
    done = subprocess.run(command, env=ENVIRONMENT | environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command} failed with {done.returncode}: {done.stderr}")
    return done.stdout


def render_text(overlay, components="", **settings):
    """What steps/render.sh prints. `settings` are those of the script: NAMESPACE, REGISTRY, IMAGE_TAG."""
    return run(str(K8S / "steps/render.sh"), OVERLAY=overlay, COMPONENTS=components, **settings)


def render(variant):
    """The documents of a variant; a new copy each time, which a test may change."""
    return copy.deepcopy(_render(*VARIANTS[variant]))


@cache
def _render(overlay, components):
    return list(yaml.safe_load_all(render_text(overlay, components)))


@cache
def secrets_made_by_script(overlay):
    """The Secrets that secrets.sh would make, values and all."""
    redis = {} if overlay != "production" else {"LARDER_REDIS": "rediss://larder:p%40ss@redis.example.com:6380"}
    return list(yaml.safe_load_all(run(str(K8S / "secrets.sh"), "--overlay", overlay, "--print", **redis)))[:-1]
