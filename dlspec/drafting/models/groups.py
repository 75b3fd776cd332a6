"""Steps → items: branches that meet again become residual and parallel groups, equal neighbours a repetition."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from dlspec.backends.importing.naming import is_given
from dlspec.backends.importing.steps import Body, Out, Step, outs
from dlspec.components.layers.base import Layer
from dlspec.components.ops.base import Op
from dlspec.components.registry import BUILT_IN

RESIDUAL, PARALLEL = "residual", "parallel"
# The layers by which groups join their branches unless they say another.
JOINED_BY = {RESIDUAL: "add", PARALLEL: "concatenate"}


@dataclass
class Item:
    """One item of a list of layers.

    Attributes:
        key: The layer, group or block.
        options: What a spec writes among its options.
        opens: The options that may be parameters of a block, and what each is that is left out.
        branches: The lists of items inside a group.
        merge: Of a group: the step that joins its branches.
        count: How often it stands in a row.
        step: Number of the step that it is, or that ends it; None for a call of a block.
        loose: Whether it takes what the item before it gives, and nothing else asks for it by name.
    """

    key: str
    options: dict[str, Any] = field(default_factory=dict)
    opens: Mapping[str, Any] = field(default_factory=dict)
    branches: list[list[Item]] = field(default_factory=list)
    merge: Step | None = None
    count: Any = 1
    step: int | None = None
    loose: bool = True
    _shape: str = ""

    @property
    def shape(self) -> str:
        """What it is but for the values that may be parameters: items of equal shape may become calls of one block."""
        if not self._shape:
            fixed = {key: value for key, value in self.options.items() if key not in self.opens}
            inner = [[item.shape for item in branch] for branch in self.branches]
            merge = [self.merge.key, self.merge.options] if self.merge else None
            self._shape = json.dumps([self.key, fixed, inner, merge], sort_keys=True, default=str)
        return self._shape

    def forget_shape(self) -> None:
        """The lists inside it have changed."""
        self._shape = ""

    def same(self, other: Item) -> bool:
        """Whether both mean the same, where they stand once."""
        return self.shape == other.shape and list(self.values())[1:] == list(other.values())[1:]

    def values(self) -> Iterator[Any]:
        """The count, and all values that may be parameters, in the same order for all items of one shape."""
        yield self.count
        for key, default in self.opens.items():
            yield self.options.get(key, default)
        for branch in self.branches:
            for item in branch:
                yield from item.values()


@cache
def opens_of(key: str) -> Mapping[str, Any]:
    """The options of a layer that may be parameters, with the value of each that is left out; None if required."""
    owner = BUILT_IN.find("layer", key)
    if owner is None:
        return {}
    simple = {
        name: each
        for name, each in owner.fields.items()
        if each.required or isinstance(each.default, int | float | str)
    }
    return {name: None if each.required else each.default for name, each in simple.items()}


class Grouper:
    """Makes the items of one body.

    Attributes:
        items: Those that there are so far.
        outs: What each gives.
        sources: What each takes.
        uses: How often each tensor is taken.
    """

    def __init__(self, body: Body) -> None:
        self.body = body
        self.items: list[Item] = []
        self.outs: list[Out] = []
        self.sources: list[Any] = []
        self.uses: dict[Out, int] = {}
        for taken in (*(step.sources for step in body.steps), list(body.outputs)):
            for out in outs(taken):
                self.uses[out] = self.uses.get(out, 0) + 1

    def run(self) -> list[Item]:
        """All items, with groups closed where their branches meet."""
        for number, step in enumerate(self.body.steps):
            if not (_joins(step) and self.close(step, number)):
                self.push(
                    Item(step.key, dict(step.options), opens_of(step.key), step=number), Out(number), step.sources
                )
        self.anchor()
        return repeated([_with_repetitions(item) for item in self.items])

    def push(self, item: Item, out: Out, sources: Any) -> None:
        """Appends an item that takes `sources` and gives `out`."""
        self.items.append(item)
        self.outs.append(out)
        self.sources.append(sources)

    def close(self, step: Step, number: int) -> bool:
        """Makes a group of the last items, where they are branches from one tensor that this step joins."""
        position = {out: index for index, out in enumerate(self.outs)}
        followed = [self.chain(end, position) for end in step.sources]
        chains = [chain for chain, _ in followed]
        roots = {root for _, root in followed}
        used = sorted(index for chain in chains for index in chain)
        first = len(self.items) - len(used)
        if len(roots) != 1 or not used or used != list(range(first, len(self.items))):
            return False
        (root,) = roots
        before = self.outs[first - 1] if first else Out(-1)
        if root != before or (first == 0 and len(self.body.inputs) > 1) or self.has_several(root):
            return False
        branches = [[self.items[index] for index in chain] for chain in chains]
        residual = len(chains) == 2 and (not all(chains) or step.key == JOINED_BY[RESIDUAL])
        if residual and step.commutes and not chains[0]:
            branches.reverse()  # the sum is the same
        del self.items[first:], self.outs[first:], self.sources[first:]
        self.uses[root] -= len(chains) - 1
        group = Item(RESIDUAL if residual else PARALLEL, branches=branches, merge=step, step=number)
        self.push(group, Out(number), root)
        return True

    def chain(self, end: Out, position: Mapping[Out, int]) -> tuple[list[int], Out]:
        """The items that lead to a tensor and serve nothing else, and the tensor that enters the first of them."""
        chain: list[int] = []
        while end in position and self.uses[end] == 1 and not self.has_several(end):
            sources = self.sources[position[end]]
            if not isinstance(sources, Out):
                break
            chain.insert(0, position[end])
            end = sources
        return chain, end

    def has_several(self, out: Out) -> bool:
        """Whether the step that gives a tensor gives others, too."""
        return out.step >= 0 and self.body.steps[out.step].outputs > 1

    def anchor(self) -> None:
        """Marks the items that need words about their surroundings."""
        for index, (item, out, sources) in enumerate(zip(self.items, self.outs, self.sources, strict=True)):
            before = self.outs[index - 1] if index else Out(-1) if len(self.body.inputs) == 1 else None
            last = index == len(self.items) - 1
            follows = self.body.outputs == [out] if last else self.sources[index + 1] == out
            item.loose = sources == before and follows and self.uses.get(out, 0) == 1 and not self.has_several(out)


def _joins(step: Step) -> bool:
    """Whether a step may join the branches of a group."""
    owner = BUILT_IN.find("layer", step.key)
    if owner is None or not issubclass(owner, Layer) or issubclass(owner, Op) or not owner.takes_list or owner.listed:
        return False
    return (
        isinstance(step.sources, list) and len(step.sources) > 1 and all(isinstance(out, Out) for out in step.sources)
    )


def _with_repetitions(item: Item) -> Item:
    """The same item with repetitions inside of its branches."""
    item.branches = [repeated([_with_repetitions(inner) for inner in branch]) for branch in item.branches]
    return item


def repeated(items: list[Item]) -> list[Item]:
    """The list with equal neighbours as one item that is repeated."""
    result: list[Item] = []
    for item in items:
        last = result[-1] if result else None
        counted = last is not None and isinstance(last.count, int) and isinstance(item.count, int)
        if last is not None and counted and last.loose and item.loose and last.same(item):
            last.count += item.count
            last.step = item.step
        else:
            result.append(item)
    return result


def has_name(item: Item, body: Body) -> bool:
    """Whether somebody gave the item a name, which stands in the spec where the item is no repetition."""
    call = item.key[:1].isupper()
    return item.step is not None and not call and item.count == 1 and is_given(body.steps[item.step])
