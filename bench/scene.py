"""What those measurements need that are more than a few seconds of load."""

from collections.abc import Mapping
from dataclasses import dataclass

from .contenders import Contender
from .plan import Settings
from .processes import Processes
from .results import Run
from .store import Store

# Case, contender, size, connections, and the figures by name.
Measured = tuple[str, str, int, int, dict[str, float]]


@dataclass(frozen=True)
class Scene:
    """Who runs, on what, and what is known so far."""

    settings: Settings
    processes: Processes
    store: Store
    contenders: Mapping[str, Contender]
    run: Run
