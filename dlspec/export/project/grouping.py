"""Groups of weights in an optimizer, in ``train.py`` of a generated project: weights by their place in the model."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from dlspec.components import registry
from dlspec.components.sections.training import Group
from dlspec.components.sections.weight_groups import members
from dlspec.components.training.update_rules import Optimizer, UpdateRule
from dlspec.core.ir import Graph
from dlspec.export.project.searched import Searched
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.syntax import Unsupported, call, constant, name
from dlspec.passes.state import Trainable

_GROUPED = "dlspec.standalone.grouped.grouped"


@dataclass(frozen=True)
class GroupsWriter:
    """Writes what keeps groups of weights apart.

    Attributes:
        holder: The variable of the model.
    """

    state: Trainable
    searched: Searched
    constructors: Constructors
    holder: str

    def around(self, written: ast.expr, raw: Any, made: Optimizer) -> ast.expr:
        """The call that gives an optimizer its groups; `written` itself where it has none.

        Args:
            written: Expression of the optimizer.
            raw: The optimizer as the spec has it.
            made: What it became.

        Raises:
            Unsupported: A searched value in a group depends on what cannot be written.
        """
        rule = made.rule
        if not isinstance(rule, UpdateRule) or not rule.groups:
            return written
        if self.state.adapted is not None:
            raise Unsupported("`groups` beside `adapters`")
        options = self._options(raw, made) if self.searched.used(raw) else {}
        chosen = {pattern: group for pattern, group in self._members(rule.groups).items() if group}
        path = self.constructors.path(_GROUPED)
        groups = [self._group(rule, pattern, numbers, options) for pattern, numbers in chosen.items()]
        return call(path, [written, ast.Dict([constant(pattern) for pattern in chosen], groups)])

    def _group(self, rule: UpdateRule, pattern: str, numbers: list[int], options: Mapping[str, Any]) -> ast.expr:
        group: Group = rule.groups[pattern]
        raw = (options.get("groups") or {}).get(pattern, {})
        given: dict[str, ast.expr] = {}
        if group.learning_rate is not None:
            base = self._value(options.get("learning_rate"), rule.base_rate)
            given["rate"] = ast.BinOp(self._value(raw.get("learning_rate"), group.learning_rate), ast.Div(), base)
        if group.weight_decay is not None:
            given["decay"] = self._value(raw.get("weight_decay"), group.weight_decay)
        return call(name("Group"), [weights_at(self.holder, numbers)], given)

    def _value(self, raw: Any, value: Any) -> ast.expr:
        """A number as it is, or the variable behind it where it is searched."""
        if not self.searched.used(raw):
            return constant(float(value))
        if isinstance(raw, dict):
            raise Unsupported("a search of a schedule beside `groups`")
        return self.searched.value(raw)

    def _options(self, raw: Any, made: Optimizer) -> Mapping[str, Any]:
        """The options of the rule as they are written."""
        for owner in (made, made.rule) if made.rule is not made else (made,):
            if not isinstance(raw, dict):
                raise Unsupported("`groups` of a searched optimizer")
            _, value = registry.name_and_value(raw)
            options = registry.options_by_name(type(owner), value)
            raw = options.get("inner_optimizer")
        return options

    def _members(self, groups: Mapping[str, Any]) -> dict[str, list[int]]:
        """Places of the weights of each group in ``model.weights``."""
        chosen = members(groups, list(self._numbers))
        return {pattern: sorted(self._numbers[weight] for weight in names) for pattern, names in chosen.items()}

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The place of each weight in ``model.weights`` by its name in the spec."""
        return places_of_weights(self.state.training_graph)


def weights_at(holder: str, numbers: list[int]) -> ast.expr:
    """Weights by their places: ``model.weights[1:7]``, or several such stretches; `holder` is the model's variable."""
    stretches: list[str] = []
    for _, some in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in some]
        stretches.append(f"{holder}.weights[{run[0]}:{run[-1] + 1}]")
    return ast.parse(" + ".join(stretches), mode="eval").body


def places_of_weights(graph: Graph) -> dict[str, int]:
    """The place of each weight in ``model.weights`` by its name in the spec."""
    import keras

    from dlspec.backends.keras.build import build
    from dlspec.components.sections.weight_groups import weight_names
    from dlspec.training.loop.grouping import variables_by_name

    keras.backend.clear_session()
    model = build(graph)
    numbers = {id(weight): number for number, weight in enumerate(model.weights)}
    named = variables_by_name(model, weight_names(graph))
    return {weight: numbers[id(variable)] for weight, variable in named.items()}
