"""Reading before preparation: the split, the fingerprint, equal examples; without TensorFlow."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dlspec.components.sections.data import Data
from dlspec.data.binding.binding import Binding
from dlspec.data.binding.several import Other
from dlspec.data.feeding.content import Content, examine, together
from dlspec.data.order.splits import Parts, choose

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """Bound data whose examples were divided and looked at.

    Attributes:
        binding: What feeds each input and target.
        parts: Which examples belong to which part.
        content: Fingerprint, and examples that several parts hold.
        dropped: Which examples are left out, shape [examples]; None where none may be.
        others: The same of further sources, by name, with their sections.
    """

    binding: Binding
    parts: Parts
    content: Content
    dropped: Array | None
    others: tuple[tuple[Other, Reading], ...] = ()


def read(data: Data, binding: Binding) -> Reading:
    """Divides the examples, and looks at each of them once.

    Raises:
        DataProblem: A file changed since it was bound.
    """
    if binding.others:
        return _several(data, binding)
    table, dropped = binding.table, binding.dropped()
    parts = choose(data, table, binding.count, dropped)
    content = examine(table, binding.columns, binding.input_columns, parts, binding.count)
    return Reading(binding, parts, content, dropped)


def _several(data: Data, binding: Binding) -> Reading:
    """The same of several sources: one fingerprint for all, and what each has in several parts."""
    first = read(data.main, replace(binding, others=()))
    others = tuple((other, read(other.data, other.binding)) for other in binding.others)
    content = together({other.name: reading.content for other, reading in others}, first.content)
    return replace(first, binding=binding, content=content, others=others)


class BackgroundRead:
    """Reads in a thread, while the main one imports TensorFlow.

    Args:
        data: The section.
        binding: What checking has bound it to.
    """

    def __init__(self, data: Data, binding: Binding) -> None:
        self._result: Future[Reading] = Future()
        threading.Thread(target=self._read, args=(data, binding), daemon=True).start()

    def reading(self) -> Reading:
        """The data that were read; waits for them, and raises what went wrong in the thread."""
        return self._result.result()

    def _read(self, data: Data, binding: Binding) -> None:
        try:
            self._result.set_result(read(data, binding))
        except Exception as error:  # for whoever waits
            self._result.set_exception(error)
