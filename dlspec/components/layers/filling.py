"""Filling in of values that are missing, inside the model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dlspec.components.layers.base import Layer
from dlspec.components.registry import boolean, choice, example, number, optional, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, known


class Imputation(Layer):
    """Puts a number in place of `NaN`, one for each feature, measured on the training data or given."""

    keras = "dlspec.keras_layers.Imputation"
    prepares = True
    keeps_range = True
    strategy = choice(
        "mean", "median", "most_frequent", "constant", default="mean", doc="Which number is put in place."
    )
    fill_value = number(default=0.0, doc="The number, with `strategy: constant`.")
    indicator = boolean(
        default=False, doc="Whether one more number for each feature says what was missing (1) or not (0)."
    )
    examples = (
        example("", (5,)),
        example("{strategy: median, indicator: true}", (3,)),
        example("{strategy: constant, fill_value: -1}", (7, 2)),
        example("{strategy: constant, indicator: true}", (7, None)),
    )

    @property
    def adapts(self) -> bool:
        """Whether the layer measures the training data before it can be used."""
        return self.strategy != "constant"

    def validate(self) -> None:
        """A given number is used with `constant` only."""
        if "fill_value" in self.given and self.strategy != "constant":
            message = f"`fill_value` has no effect with `strategy: {self.strategy}`"
            raise Problem("E207", message, "write `strategy: constant`", option="fill_value")

    def infer(self, x: Tensor) -> Tensor:
        """[…, features] → the same, or […, 2 · features] with `indicator`."""
        if not x.floating:
            message = f"imputation takes floating-point numbers, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "whole numbers cannot be missing; for text use `text_imputation`")
        if self.adapts or (self.indicator and not x.rank):
            known(x, -1, self.name)
        if not self.indicator:
            return Tensor(x.shape, self.compute_dtype)
        features = x.shape[-1]
        return Tensor((*x.shape[:-1], None if features is None else 2 * features), self.compute_dtype)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """The measured numbers; none where one is given."""
        if self.adapts:
            yield Weight("fill", (known(x, -1, self.name),), trainable=False)


class TextImputation(Layer):
    """Puts a word in place of an empty text."""

    keras = "dlspec.keras_layers.TextImputation"
    prepares = True
    trainable: Any = True  # nothing to train
    dtype: Any = None  # text stays text
    strategy = choice("most_frequent", "constant", default="most_frequent", doc="Which word is put in place.")
    fill_value = optional(plain({"type": "string"}), doc="The word, with `strategy: constant`.")
    examples = (
        example("{strategy: constant, fill_value: unknown}", (), dtype="string"),
        example("{strategy: constant, fill_value: unknown}", (3,), dtype="string"),
    )

    @property
    def adapts(self) -> bool:
        """Whether the layer counts the words of the training data before it can be used."""
        return self.strategy != "constant"

    def validate(self) -> None:
        """A word is given with `constant`, and with it only."""
        if (self.fill_value is not None) != (self.strategy == "constant"):
            message = "text_imputation needs both `fill_value` and `strategy: constant`, or neither"
            raise Problem("E207", message, "", "fill_value" if self.fill_value is not None else "strategy")

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        if x.dtype != "string":
            message = f"text_imputation takes text, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "use `imputation` for numbers")
        return Tensor(x.shape, "string")
