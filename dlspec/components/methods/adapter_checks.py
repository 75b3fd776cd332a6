"""What may be wrong with adapters for a model, known before TensorFlow loads."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from dlspec.components.methods.base import Mistake, Path
from dlspec.components.sections.adapting import Adapted, Choice, Site, all_meant, chosen, layers_by_name
from dlspec.components.sections.weight_groups import named_weights
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import Graph, SharedModel, shared_models

_SHOWN = 3  # so many names stand in a message


class Plan(NamedTuple):
    """Where adapters go, and what is wrong with them.

    Attributes:
        adapted: None where there is a mistake.
        mistakes: All of them.
        warnings: Remarks on adapters that can be.
    """

    adapted: Adapted | None
    mistakes: list[Mistake]
    warnings: list[Mistake]


def planned(adapter: Any, graph: Graph) -> Plan:
    """Where the adapters of a training go.

    Args:
        adapter: As declared.
        graph: All that is trained.
    """
    path: Path = ("train", "adapters", adapter.name)
    learning, mistakes = _learning(adapter, graph, path)
    if mistakes:
        return Plan(None, mistakes, [])
    taken: dict[str, Site] = {}
    for pattern, choice in chosen(adapter.layers, graph).items():
        able = [site for site in choice.sites if site.weight.layer not in learning and not site.reason]
        taken |= {site.weight.name: site for site in able}
        if not able:
            mistakes.append(Mistake(_none(pattern, choice, learning, graph), (*path, *(["layers"] if pattern else []))))
    known = [weight.name for weight in named_weights(graph)]
    adapted = Adapted(adapter, tuple(taken[name] for name in known if name in taken), learning)
    mistakes += _averaged(graph)
    if not mistakes:
        mistakes += _too_high(adapted, path)
    if mistakes:
        return Plan(None, mistakes, [])
    adapted = replace(adapted, trainable=adapted.graph(graph).trainable_parameters)
    return Plan(adapted, [], [*_large(adapted, path)])


def _learning(adapter: Any, graph: Graph, path: Path) -> tuple[frozenset[str], list[Mistake]]:
    """The layers that learn as they are, and patterns of these that mean nothing (E515)."""
    named, mistakes = layers_by_name(graph), []
    learning: set[str] = set()
    able = {weight.layer for weight in named_weights(graph) if weight.trainable}
    for pattern in adapter.trains or ():
        meant = all_meant(pattern, named)
        models = tuple(f"{name}." for name in meant)
        layers = {layer for layer in able if layer in meant or layer.startswith(models)}
        learning |= layers
        if not meant:
            message = f"`trains` names `{pattern}`, which is no layer or model"
            mistakes.append(Mistake(Problem("E515", message, did_you_mean(pattern, named)), (*path, "trains")))
        elif not layers:
            message = f"`trains` names `{pattern}`, which has no weights that learn"
            mistakes.append(Mistake(Problem("E515", message, "leave it out"), (*path, "trains")))
    return frozenset(learning), mistakes


def _none(pattern: str, choice: Choice, learning: Collection[str], graph: Graph) -> Problem:
    """Why a pattern gives no adapter (E515, E550)."""
    if not pattern:
        message = "no layer of the model takes an adapter"
        return Problem("E550", message, "leave `adapters` out: phases freeze layers, and let others learn")
    if not choice.sites and not choice.layers:
        names = dict.fromkeys([*(site.name for site in chosen(None, graph)[""].sites), *layers_by_name(graph)])
        return Problem(
            "E515", f"`layers` names `{pattern}`, which is no layer of the model", did_you_mean(pattern, names)
        )
    if not choice.sites:
        kinds = {weight.layer: weight.node.kind for weight in named_weights(graph)}
        kinds |= {node.owner: node.kind for node in graph.nodes if not isinstance(node.layer, SharedModel)}
        some = sorted({kinds[layer] for layer in choice.layers if layer in kinds})
        message = f"`layers` names `{pattern}`, of which nothing takes an adapter: {_some(some)}"
        return Problem("E550", message, _others(graph))
    site = choice.sites[0]
    if site.weight.layer in learning:
        message = f"`{site.name}` takes no adapter: `trains` lets it learn as it is"
        return Problem("E550", message, f"leave `{site.name}` out of `trains`, or name other layers in `layers`")
    help = f"leave that out of the layer: {_ALL_ELSE}" if not site.weight.trainable else _others(graph)
    return Problem("E550", f"`{site.name}` takes no adapter: it {site.reason}", help)


_ALL_ELSE = "adapters let nothing else learn in any case"


def _others(graph: Graph) -> str:
    """A help that names layers with adapters."""
    able = [site.name for site in chosen(None, graph)[""].sites if not site.reason]
    return f"these take one: {_some(able)}" if able else "leave `adapters` out"


def _averaged(graph: Graph) -> Iterator[Mistake]:
    """E552 for averages, which follow the weights of a model one by one."""
    names = [model.name for model in shared_models(graph) if model.average_of]
    if names:
        message = f"`adapters` do not go with {names[0]}: a moving average follows weights, and those stay as they are"
        yield Mistake(Problem("E552", message, "leave `adapters` out"), ("train", "adapters"), on_key=True)


def _too_high(adapted: Adapted, path: Path) -> Iterator[Mistake]:
    """E551 for a rank that some weight cannot have."""
    rank = adapted.adapter.rank
    least = min(adapted.sites, key=lambda site: min(site.sides))
    rows, columns = least.sides
    if rank > min(rows, columns):
        message = f"`rank: {rank}` is more than the {min(rows, columns)} {'rows' if rows < columns else 'columns'} of"
        help = f"write `rank: {min(rows, columns)}` or less, or name layers without it in `layers`"
        yield Mistake(Problem("E551", f"{message} `{least.weight.name}`", help), (*path, "rank"))


def _large(adapted: Adapted, path: Path) -> Iterator[Mistake]:
    """W631 for adapters that are no smaller than the weight beside which they stand."""
    rank = adapted.adapter.rank
    large = [site for site in adapted.sites if rank * sum(site.sides) >= site.sides[0] * site.sides[1]]
    if large:
        rows, columns = large[0].sides
        sizes = f"{rank * (rows + columns):,} parameters, `{large[0].weight.name}` has {rows * columns:,}"
        most = (rows * columns - 1) // (rows + columns)
        smaller = f"write `rank: {most}` or less, or" if most else ""
        help = f"{smaller} name it in `trains`, and other layers in `layers`".strip()
        yield Mistake(Problem("W631", f"the adapter of `{large[0].name}` has {sizes}", help), (*path, "rank"))


def _some(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
