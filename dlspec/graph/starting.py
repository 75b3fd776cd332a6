"""Which weights of a file go to which layers of a model: `start_from`, decided from names, order and shapes alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from dlspec.components.sections.matching import matching
from dlspec.components.sections.training import StartFrom
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Graph, Node, SharedModel, show_shape
from dlspec.graph.layer_order import in_keras_order

if TYPE_CHECKING:
    from dlspec.core.weights import Origin, Stored, WeightFile

Shape = tuple[int, ...]

_SHOWN = 3
_SCATTERED = "the file does not tell the order of layers of its class in several models; a `.keras` file does"


class Target(NamedTuple):
    """A layer of the model that has weights.

    Attributes:
        path: Names of the models around it, the outermost first, and its own.
        kind: Its class in snake_case.
        shapes: Of its weights.
        called: Further names by which a spec may mean it.
        average: Whether it belongs to a moving average of another model.
    """

    path: tuple[str, ...]
    kind: str
    shapes: tuple[Shape, ...]
    called: tuple[str, ...] = ()
    average: bool = False

    @property
    def name(self) -> str:
        """Its path as one text."""
        return ".".join(self.path)


class Left(NamedTuple):
    """A layer that begins as it is initialised, and why."""

    target: Target
    reason: str
    same_name: bool = False


class Fit(NamedTuple):
    """What a file gives to a model.

    Attributes:
        pairs: Layers of the model, each with the layer of the file whose weights it gets.
        left: Layers with weights that get none; of those that `layers` names, where it is given.
    """

    pairs: tuple[tuple[Target, Stored], ...]
    left: tuple[Left, ...]

    @property
    def tensors(self) -> int:
        """Weights that the file gives."""
        return sum(len(target.shapes) for target, _ in self.pairs)

    @property
    def total(self) -> int:
        """Weights that were asked for."""
        return self.tensors + sum(len(left.target.shapes) for left in self.left)

    def describe(self, shown: str) -> str:
        """A sentence: how many tensors fit `shown`, the file, and what is left."""
        text = f"{self.tensors} of {self.total} tensors fit `{shown}`"
        if not self.left:
            return text
        listed = "; ".join(f"`{left.target.name}` ({left.reason})" for left in self.left[:_SHOWN])
        more = f"; and {len(self.left) - _SHOWN} more layers" if len(self.left) > _SHOWN else ""
        return f"{text}; left as initialised: {listed}{more}"


def targets_of(graph: Graph, trained: Graph) -> list[Target]:
    """The layers with weights of what is trained: those of the saved part first, each part in Keras's order.

    Args:
        graph: The saved part.
        trained: All that is trained.
    """
    made = dict.fromkeys(_targets(graph, (), False))
    if trained is not graph:
        made |= dict.fromkeys(_targets(trained, (), False))
    return list({target.path: target for target in made}.values())


def _targets(graph: Graph, around: tuple[str, ...], average: bool) -> Iterator[Target]:
    before = "".join(f"{name}." for name in around)
    for node in in_keras_order(graph):
        if isinstance(node.layer, SharedModel):
            averaged = average or bool(node.layer.average_of)
            inner = (*around, node.layer.name)
            for target in _targets(node.layer.graph, inner, averaged):
                rest = target.path[len(inner) :]
                called = tuple(".".join((before + name, *rest)) for name in (node.name, *node.names))
                yield target._replace(called=(*target.called, *called))
        elif node.weights:
            called = tuple(before + name for name in node.names)
            yield Target((*around, node.name), _kind(node), _shapes(node), called, average)


def _kind(node: Node) -> str:
    return node.layer.name if node.layer is not None else ""


def _shapes(node: Node) -> tuple[Shape, ...]:
    return tuple(weight.shape for weight in node.weights)


def fitting(targets: Sequence[Target], file: WeightFile, start: StartFrom, shown: str) -> Fit:
    """What a file gives to a model, as `start_from` says.

    Args:
        targets: The layers of the model that have weights, in order.
        file: What the file holds.
        start: The options.
        shown: What the spec calls the file.

    Raises:
        Problem: E516, a pattern means nothing, a layer that `layers` names finds no weights, or no layer does.
    """
    chosen = _chosen(targets, start.layers)
    fit = _by_order(chosen, file) if start.match == "order" else _by_name(chosen, file, start.moved, shown)
    if start.layers is not None and fit.left:
        raise _lacking(fit.left, shown)
    if not fit.pairs:
        raise _nothing(chosen, file, start, shown)
    return fit


def fit_of_model(graph: Graph, file: WeightFile, origin: Origin) -> Fit:
    """What a file gives to the model that was read from it.

    Args:
        graph: The model's.
        file: What the file holds.
        origin: Where the layers of the model stand in the file.
    """
    layers = origin.layers
    known = {stored.path: stored for stored in file.layers}
    pairs, left = [], []
    for target in dict.fromkeys(_targets(graph, (), False)):
        path = next((layers[name] for name in (target.name, *target.called) if name in layers), ())
        stored = known.get(path)
        if stored is None:
            left.append(Left(target, "the file has no weights of it"))
        elif _same(target, stored):
            pairs.append((target, stored))
        else:
            left.append(Left(target, f"{_shown(target.shapes)} here, {_shown(stored.shapes.values())} in the file"))
    if left and origin.orders and not (ordered := _by_order([*dict.fromkeys(_targets(graph, (), False))], file)).left:
        return ordered
    return Fit(tuple(pairs), tuple(left))


def _chosen(targets: Sequence[Target], patterns: Iterable[str] | None) -> list[Target]:
    """The layers that `layers` names; all without it."""
    if patterns is None:
        return list(targets)
    known = {name: target for target in targets for name in (target.name, *target.called)}
    meant: set[Target] = set()
    for pattern, names in matching(patterns, known).items():
        if not names:
            raise Problem("E516", f"`{pattern}` is no layer with weights", did_you_mean(pattern, known), "layers")
        meant |= {known[name] for name in names}
    return [target for target in targets if target in meant]


def _same(target: Target, stored: Stored) -> bool:
    """Whether the weights have the same shapes; some files keep those inside of a layer in another order."""
    return sorted(target.shapes) == sorted(stored.shapes.values())


def _shown(shapes: Iterable[Shape]) -> str:
    return ", ".join(map(show_shape, shapes))


# --- by name ------------------------------------------------------------------------------------------------------


def _by_name(targets: Sequence[Target], file: WeightFile, moved: Mapping[str, str] | None, shown: str) -> Fit:
    known = _named(file.layers, moved or {}, shown)
    pairs, left = [], []
    for target in targets:
        stored = next((known[name] for name in (target.name, *target.called) if name in known), None)
        if stored is None:
            left.append(Left(target, "no layer of that name"))
        elif _same(target, stored):
            pairs.append((target, stored))
        else:
            reason = f"{_shown(target.shapes)} here, {_shown(stored.shapes.values())} there"
            left.append(Left(target, reason, True))
    return Fit(tuple(pairs), tuple(left))


def _named(layers: Sequence[Stored], moved: Mapping[str, str], shown: str) -> dict[str, Stored]:
    """The layers by all their names: with all models around them, and with fewer; the outer layer counts.

    Raises:
        Problem: E516, a pattern of `moved` fits no name.
    """
    moves, used = [_Move(old, new) for old, new in moved.items()], set()
    known: dict[str, tuple[int, Stored]] = {}
    for stored in layers:
        for depth in range(len(stored.path)):
            name = ".".join(stored.path[depth:])
            for move in moves:
                if (new := move.of(name)) is not None:
                    used.add(move.old)
                    name = new
                    break
            if name not in known or depth < known[name][0]:
                known[name] = depth, stored
    for move in moves:
        if move.old not in used:
            names = [".".join(stored.path) for stored in layers]
            help = did_you_mean(move.old, names) or f"its layers are {_some(names)}"
            raise Problem("E516", f"`{move.old}` fits no layer of `{shown}`", help, "moved")
    return {name: stored for name, (_, stored) in known.items()}


class _Move:
    """One entry of `moved`."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self._new = old, new.split("*")
        self._pattern = re.compile("(.*)".join(map(re.escape, old.split("*"))) + ("" if "*" in old else r"(\..*)?"))

    def of(self, name: str) -> str | None:
        """The new name of a layer; None where it has another old one."""
        match = self._pattern.fullmatch(name)
        if match is None:
            return None
        groups = [group or "" for group in match.groups()]
        if "*" not in self.old:
            return self._new[0] + groups[0]
        return "".join(part for pair in zip(self._new, [*groups, ""], strict=True) for part in pair)


# --- by order -----------------------------------------------------------------------------------------------------


def _by_order(targets: Sequence[Target], file: WeightFile) -> Fit:
    """The first layer of the model takes the weights of the first one of the file, and so on, as long as they fit.

    Where the file holds a model inside another, as with preparation around it, that counts where it fits better.
    """
    own = [target for target in targets if not target.average]
    averages = tuple(Left(target, "a moving average begins equal") for target in targets if target.average)
    inside = {stored.path[0] for stored in file.layers if len(stored.path) > 1}
    listed = [file.layers, *([stored for stored in file.layers if stored.path[0] == name] for name in sorted(inside))]
    fits = [_in_order(own, layers, file.ordered) for layers in listed]
    best = max(fits, key=lambda fit: fit.tensors)
    return Fit(best.pairs, (*best.left, *averages))


def _in_order(targets: Sequence[Target], layers: Sequence[Stored], ordered: bool) -> Fit:
    """One layer after the other; where the file tells no order between classes, those of each class."""
    by_kind: dict[str, list[Stored]] = {}
    for stored in layers:
        by_kind.setdefault("" if ordered else stored.kind, []).append(stored)
    no_more: Iterator[Stored] = iter(())
    following = {kind: iter(some) for kind, some in by_kind.items()}
    ended = {} if ordered else {kind: _SCATTERED for kind, some in by_kind.items() if _scattered(some)}
    pairs, left = [], []
    for target in targets:
        kind = "" if ordered else target.kind
        reason = ended.get(kind, "")
        if not reason:
            candidate = next(following.get(kind, no_more), None)
            if candidate is not None and _same(target, candidate):
                pairs.append((target, candidate))
                continue
            reason = "the file has no more" if candidate is None else _differing(target, candidate)
            ended[kind] = reason if candidate is None else f"it comes after `{target.name}`, which does not fit"
        left.append(Left(target, reason))
    return Fit(tuple(pairs), tuple(left))


def _scattered(layers: Sequence[Stored]) -> bool:
    """Whether layers stand in several models, of which nothing tells which comes first."""
    return len({stored.path[:-1] for stored in layers}) > 1


def _differing(target: Target, stored: Stored) -> str:
    shapes = f"{_shown(target.shapes)} here, {_shown(stored.shapes.values())}"
    return f"{shapes} in the next of the file, `{'.'.join(stored.path)}`"


# --- what is wrong ------------------------------------------------------------------------------------------------


def unreadable(shown: str, error: Exception) -> Problem:
    """The mistake of a file that holds no weights that can be read."""
    message = f"`{shown}` cannot be read as weights of Keras: {error}"
    return Problem("E516", message, "it takes a `.keras`, `.weights.h5` or `.h5` file, or the folder of a run")


def _lacking(left: Sequence[Left], shown: str) -> Problem:
    listed = "; ".join(f"`{each.target.name}` ({each.reason})" for each in left[:_SHOWN])
    more = f"; and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    message = f"`{shown}` has no weights for all layers that `layers` names: {listed}{more}"
    return Problem("E516", message, "name the layers alone that the file has, or give their names there in `moved`")


def _nothing(chosen: Sequence[Target], file: WeightFile, start: StartFrom, shown: str) -> Problem:
    """No layer takes weights."""
    if start.match == "order":
        first = next(iter(_by_order(chosen, file).left), None)
        why = f": `{first.target.name}` has {first.reason}" if first is not None else ""
        return Problem("E516", f"the weights of `{shown}` do not fit this model in their order{why}", _layers_of(file))
    message = f"no layer of `{shown}` has the name and shapes of one of this model"
    in_order = _by_order(chosen, file)
    if 2 * in_order.tensors >= in_order.total:
        help = f"in their order {in_order.tensors} of {in_order.total} tensors fit: write"
        return Problem("E516", message, f"{help} `start_from: {{file: {start.file}, match: order}}`")
    return Problem("E516", message, _layers_of(file))


def _layers_of(file: WeightFile) -> str:
    names = [stored.name for stored in file.layers]
    return f"its layers are {_some(names)}" if names else "it has no weights"


def _some(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:5]) + (", …" if len(names) > 5 else "")
