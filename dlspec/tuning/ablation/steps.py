"""Steps of a spec that a variant may lack: layers, blocks, turns, branches and skip connections."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from dlspec.components.layers.base import Layer
from dlspec.components.ops.base import Op
from dlspec.components.registry import name_and_value
from dlspec.core.tree import Map, span_of, span_of_key
from dlspec.passes.state import Checked
from dlspec.tuning.ablation.aids import Aids, aid_of
from dlspec.tuning.ablation.edits import GONE, Candidate, Path, Spliced, plain
from dlspec.tuning.ablation.skips import Skips

# The layer that takes the place of one whose output has a name, or whose input comes from elsewhere.
IDENTITY = "identity"
_LONE = re.compile(r"\$\w+\Z")
GROUPS = ("repeat", "residual", "parallel")


@dataclass(frozen=True)
class Step:
    """A step as it is written.

    Attributes:
        name: What it is called here: its own name, or its key, numbered within its block.
        key: The layer, block, model or group.
        value: What follows.
        path: Where it stands.
        span: Where its key stands.
        alone: Whether it is the only one of its list, or no item of a list.
        nested: Whether that list is the inside of a residual.
    """

    name: str
    key: str
    value: Any
    path: Path
    span: Any
    alone: bool
    nested: bool

    @property
    def options(self) -> Mapping[str, Any]:
        """Its options; {} for a value alone."""
        return self.value if isinstance(self.value, Map) else {}

    @property
    def tensors(self) -> Any:
        """The names that enter, as written; None for the output of the step before."""
        if isinstance(self.value, Map):
            return self.value.get("from")
        return self.value if isinstance(self.value, list) and self.key not in GROUPS else None


@dataclass
class Steps:
    """Finds what a variant may lack among the steps of a checked spec."""

    state: Checked
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Reads the graph once."""
        self._skips = Skips(self.state)
        self._aids = Aids(self.state)
        graph = self.state.training_graph
        self._minimised = {name for name, _ in graph.objectives}
        self._answers = {graph.nodes[edge.node].span for _, edge in graph.outputs}
        # Of the spec's own steps those of the saved model: others make up what is minimised or measured.
        saved = (self.state.graph, *(model.graph for model in self.state.models.values()))
        self._saved = {span for graph in saved for node in graph.nodes for span in (node.span, *node.trace)}

    def candidates(self) -> Iterator[Candidate]:
        """Those of the spec's own layers, then those inside of blocks and models."""
        for step in self._all():
            yield from self._of(step)

    def _all(self) -> Iterator[Step]:
        data = self.state.data
        yield from self._walk(data.get("layers"), ("layers",), "", nested=False)
        for section in ("blocks", "models"):
            written = data.get(section)
            for owner, value in written.items() if isinstance(written, Map) else ():
                if isinstance(value, Map):
                    yield from self._walk(value.get("layers"), (section, owner, "layers"), owner, nested=False)

    def _walk(self, items: Any, path: Path, owner: str, *, nested: bool) -> Iterator[Step]:
        """The steps of a list, each before those inside."""
        for index, item in enumerate(items if isinstance(items, list) else ()):
            yield from self._item(item, items, index, (*path, index), owner, alone=len(items) == 1, nested=nested)

    def _item(
        self, item: Any, items: Any, index: Any, path: Path, owner: str, *, alone: bool, nested: bool
    ) -> Iterator[Step]:
        if not isinstance(item, str | Map):
            return
        key, value = name_and_value(item)
        span = span_of_key(item, key) if isinstance(item, Map) else span_of(items, index)
        own = value.get("name") if isinstance(value, Map) else None
        name = own if isinstance(own, str) and "$" not in own else self._numbered(owner, str(key))
        step = Step(f"{owner}.{name}" if owner else name, str(key), value, path, span, alone, nested)
        yield step
        inside = (*path, key)
        if key == "residual":
            parts = {"layers": value} if isinstance(value, list) else value
            for key in ("layers", "shortcut"):
                where = inside if isinstance(value, list) else (*inside, key)
                yield from self._branch(parts.get(key), parts, key, where, owner, nested=key == "layers")
        elif key == "parallel":
            named = isinstance(value, Map)
            branches = value.get("branches") if named else value
            where = (*inside, "branches") if named else inside
            listed: Iterable[tuple[Any, Any]]
            listed = enumerate(branches) if isinstance(branches, list) else branches.items()
            for part, branch in listed:
                yield from self._branch(branch, branches, part, (*where, part), owner, nested=False)
        elif key == "repeat" and isinstance(value, Map):
            yield from self._walk(value.get("layers"), (*inside, "layers"), owner, nested=False)

    def _branch(self, branch: Any, items: Any, key: Any, path: Path, owner: str, *, nested: bool) -> Iterator[Step]:
        if isinstance(branch, list):
            yield from self._walk(branch, path, owner, nested=nested)
        elif branch is not None:
            yield from self._item(branch, items, key, path, owner, alone=True, nested=nested)

    def _numbered(self, owner: str, key: str) -> str:
        """The key as graphs number it: ``conv2d``, ``conv2d_1``."""
        number = self.counts[f"{owner}.{key}"]
        self.counts[f"{owner}.{key}"] += 1
        return f"{key}_{number}" if number else key

    # --- what each step allows ------------------------------------------------------------------------------------

    def _of(self, step: Step) -> Iterator[Candidate]:
        if step.key == "residual":
            yield self._without_skip(step)
        if step.key == "parallel":
            yield from self._without_branches(step)
        yield from self._with_fewer_turns(step)
        layer = cast("type[Layer] | None", self.state.catalogue.find("layer", step.key))
        if layer is not None:
            yield from self._aids.options(layer, step.value, (*step.path, step.key))
            yield from self._without_tensors(step, layer)
        if self._may_go(step, layer):
            yield self._without(step, layer)

    def _may_go(self, step: Step, layer: type[Layer] | None) -> bool:
        """Whether one tensor that enters can stand for the step: no output, and nothing that merges or compares."""
        if step.key == IDENTITY or step.span in self._answers or (step.alone and step.nested):
            return False
        if step.span not in self._saved and step.key not in GROUPS:
            return False
        if layer is None:
            return step.key in GROUPS or step.key[:1].isupper()
        if issubclass(layer, Op):  # arithmetic is no part that somebody might do without
            return False
        if not layer.arguments or layer.takes_batch or layer.derives or layer.compares is not None:
            return False
        if self._minimised & set(_names(step.options.get("name"))) or len(_names(step.options.get("name"))) > 1:
            return False
        return not isinstance(step.tensors, list) or bool(layer.listed)

    def _without(self, step: Step, layer: type[Layer] | None) -> Candidate:
        aid = aid_of(layer) if layer is not None else ""
        kind = aid or ("layer" if layer is not None else "block")
        # One of several that only help training says less than all of them.
        return Candidate(step.key if aid else step.name, kind, {step.path: self._stand_in(step, _first(step.tensors))})

    @staticmethod
    def _stand_in(step: Step, tensor: Any) -> Any:
        """Nothing where the step before takes the place, else the tensor under the name of the step."""
        kept = {key: plain(step.options[key]) for key in ("name", "if") if key in step.options}
        if tensor not in (None, "prev"):
            kept["from"] = plain(tensor)
        if not step.alone and set(kept) <= {"if"}:
            return GONE
        return {IDENTITY: kept} if kept else IDENTITY

    def _with_fewer_turns(self, step: Step) -> Iterator[Candidate]:
        """One turn less of what is repeated a known number of times, or as often as an expression says."""
        key = "times" if step.key == "repeat" else "repeat"
        times = step.options.get(key)
        path = (*step.path, step.key, key)
        if isinstance(times, int) and times > 1:
            yield Candidate(f"{step.name}.turn", "turn", {path: times - 1})
        elif isinstance(times, str):
            yield Candidate(
                f"{step.name}.turn", "turn", {path: f"{times} - 1" if _LONE.match(times) else f"({times}) - 1"}
            )

    def _without_skip(self, step: Step) -> Candidate:
        """The layers of a residual without what goes around them."""
        body = step.value if isinstance(step.value, list) else step.options.get("layers")
        items = plain(body) if isinstance(body, list) else [plain(body)]
        common = {key: plain(step.options[key]) for key in ("name", "from", "if", "repeat") if key in step.options}
        name = f"{step.name}.skip"
        if not items:
            return Candidate(name, "skip", refused="nothing but the skip is there")
        if not common and isinstance(step.path[-1], int):
            return Candidate(name, "skip", {step.path: Spliced(tuple(items))})
        times = common.pop("repeat", 1)
        return Candidate(name, "skip", {step.path: {"repeat": {"times": times, **common, "layers": items}}})

    def _without_branches(self, step: Step) -> Iterator[Candidate]:
        branches = step.options.get("branches") if isinstance(step.value, Map) else step.value
        where = (*step.path, step.key, "branches") if isinstance(step.value, Map) else (*step.path, step.key)
        keys = list(branches) if isinstance(branches, Map) else list(range(len(branches or ())))
        for key in keys if len(keys) > 2 else ():
            title = key if isinstance(key, str) else f"branch_{key}"
            yield Candidate(f"{step.name}.{title}", "branch", {(*where, key): GONE})

    def _without_tensors(self, step: Step, layer: type[Layer]) -> Iterator[Candidate]:
        """A merge without one of its tensors, on which another one depends: a skip connection."""
        names = step.tensors
        if not isinstance(names, list) or not (layer.takes_list or layer.commutes) or layer.listed:
            return
        skips = self._skips.of(step.span, len(names))
        for index in skips:
            rest = [name for position, name in enumerate(names) if position != index]
            name = f"{step.name}.skip" + (f"_{index}" if len(skips) > 1 else "")
            if len(rest) < max(2, layer.minimum_inputs):
                yield Candidate(name, "skip", {step.path: self._stand_in(step, rest[0])})
            elif isinstance(step.value, Map):
                yield Candidate(name, "skip", {(*step.path, step.key, "from"): plain(rest)})
            else:
                yield Candidate(name, "skip", {(*step.path, step.key): plain(rest)})


def _names(written: Any) -> Sequence[str]:
    return [written] if isinstance(written, str) else list(written or ())


def _first(tensors: Any) -> Any:
    """The tensor that stands for a step of several: the first, such as the query of an attention."""
    if isinstance(tensors, Mapping):
        return _first(next(iter(tensors.values())))
    return _first(tensors[0]) if isinstance(tensors, list) else tensors


def merged(candidates: Iterator[Candidate]) -> list[Candidate]:
    """Candidates of one name and aid as one; other ones of a name get a number."""
    known: dict[tuple[str, str], Candidate] = {}
    used: Counter[str] = Counter()
    for candidate in candidates:
        key = candidate.name, candidate.aid
        together = candidate.aid not in ("layer", "block", "skip", "branch", "turn")
        if together and key in known:
            known[key].edits.update(candidate.edits)
            known[key].refused = known[key].refused or candidate.refused
            continue
        number = used[candidate.name]
        used[candidate.name] += 1
        title = f"{candidate.name}_{number}" if number else candidate.name
        known[key if key not in known else (title, candidate.aid)] = replace(candidate, name=title)
    return list(known.values())
