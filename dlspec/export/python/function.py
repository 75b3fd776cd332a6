"""A generated function: what it takes, what it gives, and how it is called."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from dlspec.export.python.constant_params import given_params
from dlspec.export.python.scope import Scope
from dlspec.export.python.syntax import text
from dlspec.export.python.wiring import Inputs
from dlspec.graph.lower.program import Block, Step

TENSOR = "keras.KerasTensor"


@dataclass
class Parameter:
    """One parameter of a generated function.

    Attributes:
        annotation: Its type.
        default: The default; None where it must be given.
    """

    identifier: str
    annotation: str
    default: ast.expr | None = None

    def source(self) -> str:
        """The parameter as source text of a signature."""
        default = "" if self.default is None else f" = {text(self.default)}"
        return f"{self.identifier}: {self.annotation}{default}"


@dataclass
class Function:
    """A generated function.

    Attributes:
        summary: Its docstring: words of our own and checked names.
        inputs: Its tensors.
        own: The spec's parameters that are parameters here, by their name in the spec.
        captured: Top-level parameters and shared models that the caller hands on, by their name in the spec.
        takes_batch: Whether it needs the model's first input, for a learned tensor.
    """

    identifier: str
    summary: str = ""
    inputs: list[Parameter] = field(default_factory=list)
    own: dict[str, Parameter] = field(default_factory=dict)
    captured: dict[str, Parameter] = field(default_factory=dict)
    takes_batch: bool = False
    returns: str = TENSOR
    body: list[ast.stmt] = field(default_factory=list)
    block: Block | None = None
    names: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        """The parameters as source; what the caller hands on has no place of its own."""
        required = [p.source() for p in self.own.values() if p.default is None]
        optional = [p.source() for p in self.own.values() if p.default is not None]
        handed = [p.source() for p in self.captured.values()]
        handed += [f"examples: {TENSOR}"] if self.takes_batch else []
        return ", ".join(
            [*(p.source() for p in self.inputs), *required, *optional, *(["*", *handed] if handed else [])]
        )

    @property
    def code(self) -> str:
        """Source of the statements."""
        return "\n".join(text(statement) for statement in self.body)

    def tensors(self, inputs: Inputs) -> list[ast.expr]:
        """The tensors of a call, in the order of the function's inputs."""
        named = dict(inputs.named)
        entries = [named[key] for key in self.names] if named else list(inputs.positional)
        return [entry.tensors[0] for entry in entries]

    def arguments(self, step: Step, scope: Scope) -> dict[str, ast.expr]:
        """Expressions of the parameters that a call gives, by name."""
        given = given_params(step, list(self.block.params)) if self.block is not None else {}
        return {parameter.identifier: scope.value(given[key]) for key, parameter in self.own.items() if key in given}

    def leading(self, step: Step) -> str | None:
        """The parameter that stands without its name: the first, where it must be given."""
        first = next(iter(self.own.values()), None)
        return first.identifier if first is not None and first.default is None else None
