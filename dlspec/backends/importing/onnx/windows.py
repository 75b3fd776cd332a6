"""Windows of convolutions and pooling: padding as Keras has it, or as a step before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from dlspec.backends.importing.onnx.reading import Node
from dlspec.backends.importing.onnx.state import Lack, State
from dlspec.backends.importing.onnx.tree import NUMPY, Value


@dataclass(frozen=True)
class Window:
    """A window that slides over axes.

    Attributes:
        kernel: Its size on each axis.
        strides: How far it moves.
        rates: The distance between its elements.
        before: Elements that are added at the beginning of each axis.
        after: Those at its end.
        same: Whether Keras's `same` adds these.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    rates: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    same: bool = False

    @property
    def valid(self) -> bool:
        """Whether nothing is added."""
        return not any(self.before) and not any(self.after)

    def bare(self) -> Window:
        """The same without what is added."""
        none = (0,) * len(self.kernel)
        return replace(self, before=none, after=none, same=False)

    def results(self, sizes: Sequence[int | None]) -> list[int | None]:
        """How often it fits on each axis of these sizes.

        Raises:
            Lack: It does not fit.
        """
        made: list[int | None] = []
        for size, span, stride, before, after in zip(
            sizes, self.spans(), self.strides, self.before, self.after, strict=True
        ):
            made.append(None if size is None else (size + before + after - span) // stride + 1)
        if any(size is not None and size < 1 for size in made):
            raise Lack(f"a window of {list(self.kernel)} on a tensor of {list(sizes)}")
        return made

    def spans(self) -> list[int]:
        """Its extent with the distances between its elements."""
        return [(size - 1) * rate + 1 for size, rate in zip(self.kernel, self.rates, strict=True)]


def window_of(node: Node, kernel: Sequence[int], sizes: Sequence[int | None]) -> Window:
    """The window of a node.

    Args:
        node: A convolution or pooling.
        kernel: Its size.
        sizes: Of the axes that it slides over.

    Raises:
        Lack: Its padding follows from sizes that are open, or its numbers fit no window.
    """
    said, count = node.attributes, len(sizes)
    strides = tuple(said.get("strides") or [1] * count)
    rates = tuple(said.get("dilations") or [1] * count)
    pads = tuple(said.get("pads") or [0] * (2 * count))
    numbers = (*kernel, *strides, *rates)
    if len(kernel) != count or len(numbers) != 3 * count or len(pads) != 2 * count:
        raise Lack(f"`{node.operator}` of a window that does not fit its tensor")
    if any(not 1 <= number < 2**31 for number in numbers) or any(not 0 <= number < 2**31 for number in pads):
        raise Lack(f"`{node.operator}` of a window of the sizes {[*numbers, *pads]}")
    window = Window(tuple(kernel), strides, rates, pads[:count], pads[count:])
    auto = said.get("auto_pad", "NOTSET") or "NOTSET"
    if auto == "VALID":
        return window.bare()
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        return _automatic(window, sizes, auto)
    if auto != "NOTSET":
        raise Lack(f"`auto_pad: {auto}`")
    if said.get("ceil_mode", 0):
        window = _ceiled(window, sizes)
    return replace(window, same=not window.valid and _is_same(window, sizes))


def _totals(window: Window, sizes: Sequence[int | None]) -> list[int | None]:
    """How many elements Keras's `same` adds on each axis; None where that is not known."""
    totals: list[int | None] = []
    for size, span, stride in zip(sizes, window.spans(), window.strides, strict=True):
        if stride == 1:
            totals.append(span - 1)
        elif size is None:
            totals.append(None)
        else:
            totals.append(max((-(-size // stride) - 1) * stride + span - size, 0))
    return totals


def _is_same(window: Window, sizes: Sequence[int | None]) -> bool:
    return all(
        total is not None and (before, after) == (total // 2, total - total // 2)
        for total, before, after in zip(_totals(window, sizes), window.before, window.after, strict=True)
    )


def _automatic(window: Window, sizes: Sequence[int | None], auto: str) -> Window:
    totals = _totals(window, sizes)
    if auto == "SAME_UPPER":
        known = [total or 0 for total in totals]
        made = replace(window, before=tuple(t // 2 for t in known), after=tuple(t - t // 2 for t in known), same=True)
        if None in totals:
            # Sizes are open, so Keras decides as ONNX does; at least one element stands for what it adds.
            made = replace(made, after=tuple(max(each, 1) for each in made.after))
        return made
    if None in totals:
        raise Lack("`SAME_LOWER` of an axis whose size is open")
    known = [total or 0 for total in totals]
    made = replace(window, before=tuple(t - t // 2 for t in known), after=tuple(t // 2 for t in known))
    return replace(made, same=not made.valid and _is_same(made, sizes))


def _ceiled(window: Window, sizes: Sequence[int | None]) -> Window:
    """With as many elements more at the end as the last window needs that begins before it."""
    after = []
    for size, span, stride, before, end in zip(
        sizes, window.spans(), window.strides, window.before, window.after, strict=True
    ):
        if size is None:
            raise Lack("`ceil_mode` of an axis whose size is open")
        count = -(-(size + before + end - span) // stride) + 1
        if (count - 1) * stride >= size + before:
            count -= 1
        after.append(max(end, (count - 1) * stride + span - size - before))
    return replace(window, after=tuple(after))


def padded(state: State, value: Value, window: Window, filler: float) -> Value:
    """A tensor with channels last and what a window adds to its axes."""
    pairs = [list(pair) for pair in zip(window.before, window.after, strict=True)]
    return filled(state, value, [[0, 0], *pairs, [0, 0]], filler)


def filled(state: State, value: Value, pairs: Sequence[Sequence[int]], filler: float, mode: str = "constant") -> Value:
    """A tensor with elements added at both ends of each axis of Keras."""
    sizes = [None if size is None else size + sum(pair) for size, pair in zip(value.sizes, pairs, strict=True)]
    positive = value.positive and (filler >= 0 or mode != "constant")
    spatial = value.rank in (3, 4, 5) and not any(pairs[-1]) and not any(pairs[0])
    if spatial and filler == 0 and mode == "constant":
        config: dict[str, Any] = {"padding": [list(pair) for pair in pairs[1:-1]]}
        if value.rank == 3:
            config["padding"] = config["padding"][0]
        return state.add(f"ZeroPadding{value.rank - 2}D", value, config, sizes=sizes, positive=positive)
    config = {"pad_width": [list(pair) for pair in pairs], "mode": mode}
    if filler:
        config["constant_values"] = filler
    return state.add("Pad", value, config, sizes=sizes, positive=positive, module=NUMPY)
