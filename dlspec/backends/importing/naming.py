"""Names of saved layers as names of a spec."""

from __future__ import annotations

import keyword
import re

from dlspec.backends.importing.steps import Body, Out, Step, outs
from dlspec.syntax.expressions import RESERVED

_LONGEST = 60
# Inputs that nobody has named.
_NUMBERED_INPUT = re.compile(r"(?:input|input_layer|keras_tensor)(?:_?\d+)?\Z")
_NUMBERED = r"(?:_\d+)?\Z"


class Names:
    """The names of one body, each given once.

    Attributes:
        inputs: Of what enters, by the names in the file.
    """

    def __init__(self, body: Body) -> None:
        self.used: set[str] = set()
        self.inputs = {name: self.new(named_input(name)) for name in body.inputs}
        self._listed = list(self.inputs.values())
        self._steps: dict[Out, str] = {}
        self._body = body

    def new(self, saved: str) -> str:
        """A free name that is like a saved one."""
        base = clean(saved)
        name, number = base, 1
        while name in self.used:
            name, number = f"{base}_{number}", number + 1
        self.used.add(name)
        return name

    def of_input(self, number: int) -> str:
        """The name of input number `number`."""
        return self._listed[number]

    def of_step(self, number: int) -> list[str]:
        """The names of a step's outputs."""
        step = self._body.steps[number]
        return [self.of(Out(number, output)) for output in range(step.outputs)]

    def of(self, out: Out) -> str:
        """The name of a tensor that a step gives."""
        if out not in self._steps:
            name = self._body.steps[out.step].name
            self._steps[out] = self.new(f"{name}_{out.output}" if out.output else name)
        return self._steps[out]


def named_input(saved: str) -> str:
    """The name of an input: `x` where nobody has named it."""
    return "x" if _NUMBERED_INPUT.match(saved) else clean(saved)


def clean(saved: str) -> str:
    """A name with the letters that a spec allows, which begins with a small one."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", saved).strip("_")[:_LONGEST]
    name = re.sub(r"^[^A-Za-z]+", "", name) or "layer"
    name = name[:1].lower() + name[1:]
    return f"{name}_1" if name in RESERVED or keyword.iskeyword(name) or name in ("true", "false", "null") else name


def is_given(step: Step) -> bool:
    """Whether somebody has chosen the name of a saved layer: Keras numbers those that have none."""
    kind = re.escape(re.sub(r"[^A-Za-z0-9]+", "_", step.key))
    bare = re.escape(step.key.rpartition(".")[2])
    # Also the names that dlspec gives inside blocks: a name for each layer says nothing there.
    return not re.match(rf"(?:{kind}|{bare}){_NUMBERED}", clean(step.name))


def referenced(body: Body) -> set[int]:
    """Steps whose tensors are asked for by a name: by others than the next step, or as one of several outputs."""
    asked: set[int] = set()
    for number, step in enumerate(body.steps):
        asked |= {out.step for out in outs(step.sources) if out.step >= 0 and (out.step != number - 1)}
        asked |= {out.step for out in outs(step.sources) if out.step >= 0 and body.steps[out.step].outputs > 1}
    return asked | _ends(body)


def _ends(body: Body) -> set[int]:
    if body.outputs == [Out(len(body.steps) - 1)]:
        return set()
    return {out.step for out in body.outputs if out.step >= 0}
