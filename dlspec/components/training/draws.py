"""Distributions of ``keras.random`` from which an input is drawn for each example, where no column gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from dlspec.components.registry import Component, example, integer, number
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, show_shape


class Draw(Component, abstract=True):
    """Base of all distributions.

    Class attributes:
        dtypes: Data types that they give; the first one unless the input says another.
        numbers: What :func:`dlspec.standalone.draws.drawn_once` calls its numbers.
    """

    kind = "draw"
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "float16", "float64")
    numbers: ClassVar[str] = ""

    @property
    def round(self) -> bool:
        """Whether all directions are alike, so that the way from one draw to another is the arc between them."""
        return False

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Every argument of the function of ``keras.random``, but for shape and dtype."""
        return {name: getattr(self, name) for name in self.fields}

    def tensor(self, shape: tuple[int | None, ...], dtype: str | None) -> Tensor:
        """Type of an input that is drawn with this shape.

        Raises:
            Problem: E408, a size is unknown; E409, the dtype is not one that is drawn.
        """
        if None in shape:
            message = f"an input of shape {show_shape(shape)} cannot be drawn: a size is unknown"
            raise Problem("E408", message, "give every size", option="shape")
        if dtype is not None and dtype not in self.dtypes:
            help = f"leave `dtype` out, or write one of {', '.join(f'`{known}`' for known in self.dtypes)}"
            raise Problem("E409", f"`{self.name}` draws no {dtype}", help, option="dtype")
        return Tensor(shape, dtype or self.dtypes[0])


class Normal(Draw):
    """Normal numbers."""

    keras = "keras.random.normal"
    numbers = "gaussian"
    mean = number(default=0.0, doc="Mean.")
    stddev = number(min=0, default=1.0, doc="Standard deviation.")
    examples = (example(""), example("{mean: 1, stddev: 0.5}"))

    @property
    def round(self) -> bool:
        """Whether draws lie around 0."""
        return bool(self.mean == 0)


class TruncatedNormal(Draw):
    """Normal numbers of which those more than two standard deviations from the mean are drawn again."""

    keras = "keras.random.truncated_normal"
    numbers = "truncated"
    mean = number(default=0.0, doc="Mean.")
    stddev = number(min=0, default=1.0, doc="Standard deviation before numbers are drawn again.")
    examples = (example(""), example("{stddev: 0.02}"))


class Uniform(Draw):
    """Numbers of which all are as likely, from `minval` (included) to `maxval` (excluded)."""

    keras = "keras.random.uniform"
    numbers = "even"
    minval = number(default=0.0, doc="The least number.")
    maxval = number(default=1.0, doc="Upper bound (exclusive) of all numbers.")
    examples = (example(""), example("{minval: -1, maxval: 1}"))

    def validate(self) -> None:
        """Checks that the lower bound is below the upper one."""
        _ordered(self.minval, self.maxval)


class Randint(Draw):
    """Whole numbers of which all are as likely, from `minval` (included) to `maxval` (excluded)."""

    keras = "keras.random.randint"
    numbers = "whole"
    dtypes = ("int32", "int64")
    minval = integer(min=-(2**31), max=2**31 - 1, doc="The least number.")
    maxval = integer(min=-(2**31), max=2**31 - 1, doc="Upper bound (exclusive) of all numbers.")
    examples = (example("{minval: 0, maxval: 10}"),)

    def validate(self) -> None:
        """Checks that the lower bound is below the upper one."""
        _ordered(self.minval, self.maxval)


class Binomial(Draw):
    """How many of some trials succeed."""

    keras = "keras.random.binomial"
    numbers = "counted"
    counts = integer(min=1, max=2**31 - 1, doc="Number of trials.")
    probabilities = number(min=0, max=1, doc="Share of trials that succeed.")
    examples = (example("{counts: 1, probabilities: 0.5}"),)


class Gamma(Draw):
    """Numbers of the gamma distribution of scale 1."""

    keras = "keras.random.gamma"
    numbers = "standard_gamma"
    shorthand = "alpha"
    alpha = number(above=0, doc="Shape of the distribution, which is its mean too.")
    examples = (example("2"), example("{alpha: 0.5}"))


class Beta(Draw):
    """Numbers between 0 and 1 of the beta distribution."""

    keras = "keras.random.beta"
    numbers = "shares"
    alpha = number(above=0, doc="First parameter: the larger, the closer to 1.")
    beta = number(above=0, doc="Second parameter: the larger, the closer to 0.")
    examples = (example("{alpha: 2, beta: 5}"),)


def _ordered(least: float, most: float) -> None:
    """There is a number from `least` on below `most`.

    Raises:
        Problem: E207.
    """
    if least >= most:
        raise Problem(
            "E207",
            f"`minval` {least:g} is not below `maxval` {most:g}",
            "numbers lie from `minval` on, below `maxval`: make `maxval` larger",
            "maxval",
        )
