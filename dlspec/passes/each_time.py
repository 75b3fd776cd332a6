"""Holds parameters with a value for each use against their uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dlspec.core.tree import span_of, span_of_key
from dlspec.graph.lower.each_time import Listed, used_often
from dlspec.passes.state import Lowered, step


@step(requires=Lowered)
def each_time(state: Lowered) -> None:
    """Several uses are possible, a list has a value for each, and no other parameter is named like a use."""
    raw = state.data.get("params")
    varying = state.params.varying
    often = used_often(state.program, varying) if varying else set()
    for name, value in varying.items():
        span = span_of(raw, name)
        if name in state.unused:  # which is said elsewhere
            continue
        if name not in often:
            text = f"`{name}` is used once, so `each_time` makes no difference"
            state.add("E314", text, span, "leave `each_time` out, or use it in a `repeat` or in several layers")
        elif isinstance(value, Listed) and value.uses < len(value.values):
            text = f"`{name}` has {len(value.values)} values, and {value.uses} uses"
            state.add("E314", text, span, "write a value for each use, or one value for all")
    for other in raw or () if varying else ():
        for name in _stems(other):
            if name in varying and name not in state.unused:
                text = f"a search calls the uses of `{name}` `{name}_1`, `{name}_2` and so on"
                state.add("E314", text, span_of_key(raw, other), "choose another name for this parameter")


def _stems(name: str) -> Iterator[str]:
    """A name without one, two and more of the numbers at its end."""
    while match := re.fullmatch(r"(.+)_[0-9]+", name):
        name = match.group(1)
        yield name
