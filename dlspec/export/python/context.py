"""The interface of a module to those who write one of its functions."""

from __future__ import annotations

from typing import Protocol

from dlspec.export.python.constant_params import ConstantParams
from dlspec.export.python.constructors import Constructors
from dlspec.export.python.copies import Copies
from dlspec.export.python.function import Function
from dlspec.export.python.labels import Labels
from dlspec.export.python.recording import Record
from dlspec.export.python.scope import Meaning, Scope
from dlspec.graph.lower.program import CallStep, Program


class ModuleContext(Protocol):
    """The module that a function belongs to.

    Attributes:
        program: The spec's structure.
        record: What the static analysis saw at each step.
        constant_params: Parameters whose values are written out.
        constructors: Writes components.
        copies: Functions that copy what Keras would share.
        labels: Names of layers that can be kept.
        top: Meanings of the spec's own parameters.
    """

    program: Program
    record: Record
    constant_params: ConstantParams
    constructors: Constructors
    copies: Copies
    labels: Labels
    top: dict[str, Meaning]

    @property
    def varies(self) -> bool:
        """Whether arguments of the model may change the shapes inside of it."""

    def block(self, step: CallStep, scope: Scope) -> Function:
        """The function of the block that a step calls, written at its first call."""

    def model_variable(self, model: str, scope: Scope) -> str:
        """The variable that holds the shared model `model`."""
