"""Further sources beside the one that targets belong to: each bound by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from dlspec.components.sections.data import Data, Feature
from dlspec.components.sections.splitters import Column
from dlspec.core.errors import Problem, did_you_mean
from dlspec.data.binding.findings import Findings
from dlspec.data.binding.signature import Signature
from dlspec.data.order.splits import PARTS, choose


@dataclass(frozen=True, slots=True)
class Other:
    """A source that goes round while an epoch passes over the first one.

    Attributes:
        name: What the spec calls it.
        data: Its section, as if it were the only one.
        binding: What enters of it, a :class:`dlspec.data.binding.binding.Binding`.
    """

    name: str
    data: Data
    binding: Any


def signature_of_first(data: Data, signature: Signature) -> Signature:
    """What the model takes without what other sources give."""
    others = {name for other in data.others.values() for name in other.features}
    return replace(signature, inputs={name: own for name, own in signature.inputs.items() if name not in others})


def signature_of_other(data: Data, signature: Signature) -> Signature:
    """What the model takes of one of the other sources.

    Args:
        data: The section of that source.
    """
    own = {name: tensor for name, tensor in signature.inputs.items() if name in data.features}
    return replace(signature, inputs=own, outputs={}, drawn={})


def known_inputs(data: Data, signature: Signature, findings: Findings) -> bool:
    """Whether all inputs of other sources are inputs of the model; the others are told (E607)."""
    there = [*signature.inputs, *signature.drawn]
    known = True
    for other in data.others.values():
        for name in other.features:
            if name in signature.inputs:
                continue
            known = False
            with findings.at("data", "inputs", name, on_key=True):
                if name in signature.drawn:
                    help = f"leave it out here, or leave out `draw` of input `{name}`"
                    raise Problem("E607", f"`{name}` is drawn: no column gives it", help)
                raise Problem("E607", f"`{name}` is no input of the model", did_you_mean(name, there))
    return known


def check_divided(data: Data, binding: Any, findings: Findings) -> None:
    """Each part that the first source has rows in has some of every other source (E606)."""
    if not isinstance(data.parts.by, Column):  # shares leave no part of a source empty: it is told there
        return
    parts = choose(data, binding.table, binding.count, binding.dropped())
    for other in binding.others:
        own = choose(other.data, other.binding.table, other.binding.count, other.binding.dropped())
        for part, numbers, theirs in zip(PARTS, parts, own, strict=True):
            if len(numbers) and not len(theirs):
                with findings.at("data", "split", "by"):
                    message = f"the first source has rows in `{part}`, and source `{other.name}` has none"
                    raise Problem("E606", message, f"give some rows of it this part in column `{data.parts.asks}`")


def in_one_table(data: Data, columns: Iterable[str]) -> Data:
    """The section for rows that hold what all inputs take, as in `predict`: columns are those of the first source.

    An input of another one takes the column of its own name, if there is such a one.

    Args:
        columns: Those that there are.

    Raises:
        Problem: E602, a column of one name is meant of several sources.
    """
    columns = set(columns)
    sources = {name: feature.source or next(iter(data.sources)) for name, feature in data.features.items()}
    first = next((name for name in data.sources if name in sources.values()), next(iter(data.sources)))
    taken = {column for name, feature in data.features.items() if sources[name] == first for column in feature.sources}
    features = {}
    for name, feature in data.features.items():
        given = feature.without("source").given
        if sources[name] != first and feature.column is not None and name in columns:
            given = {**given, "column": name}
        elif sources[name] != first and (shared := sorted(taken.intersection(feature.sources))):
            message = f"`{shared[0]}` is a column of several sources, and these examples have no column `{name}`"
            raise Problem("E602", message, f"give `{name}` a column of its name")
        features[name] = Feature(**given)
    own = {key: value for key, value in data.given.items() if key != "sources"}
    return Data(**{**own, "source": data.sources[first], "inputs": features})


__all__ = ["Other", "check_divided", "in_one_table", "known_inputs", "signature_of_first", "signature_of_other"]
