"""Initializers of weights."""

from __future__ import annotations

from typing import ClassVar

from dlspec.components.registry import (
    Component,
    Example,
    Field,
    boolean,
    choice,
    example,
    integer,
    integers,
    number,
    optional,
)
from dlspec.core.errors import Problem
from dlspec.core.ir import show_shape

# Window functions of scipy.signal that take no argument; a closed list, since Keras would look up any name there.
_WINDOWS = ("hann", "hamming", "blackman", "bartlett", "boxcar", "triang", "blackmanharris", "nuttall", "barthann",
            "bohman", "cosine", "flattop", "parzen")  # fmt: skip


class Initializer(Component, abstract=True):
    """Base of all initializers.

    Class attributes:
        ranks: Smallest and largest number of axes of a weight that it can fill; 0 for no limit.
        temporaries: How many arrays of the weight's size there are beside it while it draws.
    """

    kind = "initializer"
    plain_name = True
    ranks: ClassVar[tuple[int, int]] = (0, 0)
    temporaries: ClassVar[int] = 0
    examples: ClassVar[tuple[Example, ...]] = (example(""),)

    def problem(self, shape: tuple[int, ...]) -> None:
        """Checks that it can fill a weight of this shape.

        Raises:
            Problem: E402, the number of axes does not suit.
        """
        least, most = self.ranks
        if len(shape) < least or (most and len(shape) > most):
            axes = f"{least} axes" if least == most else f"at least {least} axes"
            message = f"{self.registered_name} fills weights of {axes}, but this one has shape {show_shape(shape)}"
            raise Problem("E402", message, "use `glorot_uniform`, which fits any shape")


def _seed() -> Field[int | None]:
    return optional(integer(min=0, max=2**32 - 1), doc="Makes the values repeatable; from the run's seed unless given.")


class Constant(Initializer):
    """The same value everywhere."""

    keras = "keras.initializers.Constant"
    plain_name = False  # Keras takes no name for it
    shorthand = "value"
    value = number(default=0.0, doc="The value.")
    examples = (example("0.1"),)


class Zeros(Initializer):
    """Zeros."""

    keras = "keras.initializers.Zeros"
    aliases = ("zero",)


class Ones(Initializer):
    """Ones."""

    keras = "keras.initializers.Ones"
    aliases = ("one",)


class Identity(Initializer):
    """The identity matrix times a factor."""

    keras = "keras.initializers.Identity"
    shorthand = "gain"
    ranks = (2, 2)
    gain = number(default=1.0, doc="Factor of the matrix.")
    examples = (example(""), example("0.5"))


class Orthogonal(Initializer):
    """A random matrix whose rows or columns are orthogonal."""

    keras = "keras.initializers.Orthogonal"
    temporaries = 4
    shorthand = "gain"
    ranks = (2, 0)
    gain = number(above=0, default=1.0, doc="Factor of the matrix.")
    seed = _seed()
    examples = (example(""), example("{gain: 0.5, seed: 1}"))


class RandomNormal(Initializer):
    """Normally distributed values."""

    keras = "keras.initializers.RandomNormal"
    aliases = ("normal",)
    temporaries = 2
    shorthand = "stddev"
    mean = number(default=0.0, doc="Mean of the values.")
    stddev = number(above=0, default=0.05, doc="Standard deviation of the values.")
    seed = _seed()
    examples = (example(""), example("0.02"), example("{mean: 1, stddev: 0.02, seed: 1}"))


class TruncatedNormal(Initializer):
    """Normally distributed values, those beyond two standard deviations drawn again."""

    keras = "keras.initializers.TruncatedNormal"
    temporaries = 2
    shorthand = "stddev"
    mean = number(default=0.0, doc="Mean of the values.")
    stddev = number(above=0, default=0.05, doc="Standard deviation before the truncation.")
    seed = _seed()
    examples = (example(""), example("0.02"), example("{mean: 1, stddev: 0.02, seed: 1}"))


class RandomUniform(Initializer):
    """Values evenly distributed between two bounds."""

    keras = "keras.initializers.RandomUniform"
    aliases = ("uniform",)
    temporaries = 2
    minval = number(default=-0.05, doc="Smallest value.")
    maxval = number(default=0.05, doc="Largest value.")
    seed = _seed()
    examples = (example(""), example("{minval: -0.1, maxval: 0.1, seed: 1}"))

    def validate(self) -> None:
        """Checks that the bounds are in order."""
        if self.minval >= self.maxval:
            message = f"`minval` of random_uniform must be below its `maxval` {self.maxval:g}, not {self.minval:g}"
            raise Problem("E207", message, option="minval" if "minval" in self.given else "maxval")


class _Scaled(Initializer, abstract=True):
    """Values scaled by the number of inputs and outputs of the weight."""

    kind = "initializer"  # declared again: these options come last
    temporaries = 2
    seed = _seed()
    input_axes = optional(integers(), doc="Axes of the weight that count as inputs; by its shape unless given.")
    output_axes = optional(integers(), doc="Axes of the weight that count as outputs; by its shape unless given.")
    examples: ClassVar[tuple[Example, ...]] = (
        example(""),
        example("{seed: 1}"),
        example("{input_axes: [0], output_axes: [1]}"),
    )

    def validate(self) -> None:
        """Keras ignores either kind of axes without the other."""
        if (self.input_axes is None) != (self.output_axes is None):
            given, missing = (
                ("input_axes", "output_axes") if self.input_axes is not None else ("output_axes", "input_axes")
            )
            raise Problem("E207", f"`{given}` has no effect without `{missing}`", f"give `{missing}` too", option=given)


class VarianceScaling(_Scaled):
    """Random values whose variance is scale / n, where n counts inputs, outputs or both."""

    keras = "keras.initializers.VarianceScaling"
    shorthand = "scale"
    scale = number(above=0, default=1.0, doc="Factor of the variance.")
    mode = choice(
        "fan_in", "fan_out", "fan_avg", default="fan_in", doc="Which units n counts: inputs, outputs or their mean."
    )
    distribution = choice(
        "truncated_normal", "normal", "untruncated_normal", "uniform", default="truncated_normal",
        doc="Distribution of the values; `normal` means `truncated_normal`.",
    )  # fmt: skip
    examples = (example("2.0"), example("{scale: 2.0, mode: fan_out, distribution: untruncated_normal, seed: 1}"))


class GlorotNormal(_Scaled):
    """Truncated normal values of variance 2 / (inputs + outputs)."""

    keras = "keras.initializers.GlorotNormal"


class GlorotUniform(_Scaled):
    """Uniform values of variance 2 / (inputs + outputs): the default of most layers."""

    keras = "keras.initializers.GlorotUniform"


class HeNormal(_Scaled):
    """Truncated normal values of variance 2 / inputs; goes with relu."""

    keras = "keras.initializers.HeNormal"


class HeUniform(_Scaled):
    """Uniform values of variance 2 / inputs; goes with relu."""

    keras = "keras.initializers.HeUniform"


class LecunNormal(_Scaled):
    """Truncated normal values of variance 1 / inputs; goes with selu."""

    keras = "keras.initializers.LecunNormal"


class LecunUniform(_Scaled):
    """Uniform values of variance 1 / inputs."""

    keras = "keras.initializers.LecunUniform"


class STFT(Initializer):
    """Kernel of a convolution that computes a short-time Fourier transform."""

    keras = "keras.initializers.STFT"
    ranks = (3, 3)
    side = choice("real", "imag", default="real", doc="Which part of the transform the kernel gives.")
    window = optional(choice(*_WINDOWS), doc="Window function over time; null for none.")
    scaling = optional(choice("density", "spectrum"), doc="Normalisation of the window; null for none.")
    periodic = boolean(default=False, doc="Whether the window is periodic rather than symmetric.")
    window.default = "hann"
    scaling.default = "density"
    examples = (example(""), example("{side: imag, window: hamming, scaling: spectrum, periodic: true}"))
