"""Whether the data of a run are still those that it was trained on."""

from __future__ import annotations

from collections.abc import Iterator

from dlspec.components.sections.data import Data
from dlspec.core.errors import Diagnostic
from dlspec.data.binding.binding import Binding
from dlspec.data.feeding.reading import read
from dlspec.data.order.splits import PARTS
from dlspec.training.saved import SavedRun


def changed_data(saved: SavedRun, data: Data, binding: Binding) -> Iterator[Diagnostic]:
    """A warning (W613) where the values in use have another fingerprint than in the training.

    Args:
        saved: The run.
        data: The section by which its data were opened again.
        binding: Its data as they are now; every value is read once.

    Raises:
        DataProblem: A file changed since it was bound.
    """
    facts = saved.run.facts["data"]
    before = facts.get("fingerprint")
    if before is None:
        return
    now = read(data, binding)
    if now.content.fingerprint == before:
        return
    counts = {name: len(part) for name, part in zip(PARTS, now.parts, strict=True) if len(part)}
    was = dict(facts.get("examples", {}))
    how = "hold other values" if counts == was else f"are {_listed(counts)} examples, and were {_listed(was)}"
    message = f"the data of run `{saved.run.id}` are no longer those that it was trained on: they {how}"
    help = "the figures are those of the data as they are now; `--data FILE` measures other examples"
    yield Diagnostic("W613", message, None, help)


def _listed(counts: dict[str, int]) -> str:
    """Numbers of examples by part, as text."""
    return " + ".join(f"{count:,} {name}" for name, count in counts.items())
