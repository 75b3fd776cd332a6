"""Layers that Keras lacks. Their classes stand in ``dlspec.keras_layers``; each names its source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal, cast

from dlspec.components.layers.base import Layer, Outputs, constraint, initializer, inner_weights, regularizer, seed
from dlspec.components.layers.recurrent import Recurrent, States, check_sequence
from dlspec.components.registry import Field, boolean, choice, component, example, integer, number
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, known, show_shape


class Same(Layer, abstract=True):
    """The output has the shape of the input.

    Class attributes:
        axes: What the input must have, as a message says it.
        least: How many axes that is at least.
    """

    masking: ClassVar[Literal["pass", "drop"]] = "pass"
    axes: ClassVar[str] = "[…, features]"
    least: ClassVar[int] = 1

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        check_axes(x, self.name, self.axes, self.least)
        for _ in self.weights(x):
            pass
        return Tensor(x.shape, self.compute_dtype)


def check_axes(x: Tensor, who: str, axes: str, least: int, most: int | None = None) -> None:
    """Raises E402 where `x` has fewer axes than `least`, or more than `most`."""
    if x.rank < least or (most is not None and x.rank > most):
        raise Problem("E402", f"{who} expects {axes}, but the input has shape {show_shape(x.shape)}")


# --- normalization ---------------------------------------------------------------------------------------------------


class LocalResponseNormalization(Same):
    """Divides each activation by the strength of its neighbours, in other channels or around it.

    Source: Krizhevsky et al. 2012, "ImageNet Classification with Deep Convolutional Neural Networks", section 3.3,
    whose constants are the defaults; `within_channel` is Caffe's form (Jia et al. 2014), with alpha / size² for alpha.
    """

    keras = "dlspec.keras_layers.LocalResponseNormalization"
    aid = "normalization"
    masking = "drop"
    size = integer(min=1, default=5, doc="Number of neighbouring channels, or width of the window; odd.")
    alpha = number(min=0, default=1e-4, doc="Factor of the sum of squares.")
    beta = number(min=0, default=0.75, doc="Exponent of the divisor.")
    k = number(above=0, default=2.0, doc="Constant of the divisor.")
    region = choice(
        "across_channels", "within_channel", default="across_channels", doc="Where the neighbours are looked for."
    )
    examples = (example("", (27, 27, 96)), example("{size: 3, k: 1, region: within_channel}", (None, 8, 4)))

    def validate(self) -> None:
        """Checks that the window has an odd size."""
        if self.size % 2 == 0:
            message = f"{self.name} has `size: {self.size}`, which has no middle"
            raise Problem("E207", message, "give an odd number", "size")

    def infer(self, x: Tensor) -> Tensor:
        """The shape of the input."""
        if self.region == "within_channel":
            check_axes(x, self.name, "[height, width, channels]", 3, 3)
        return super().infer(x)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Per element: the square, an addition per neighbour (row and column within a channel), and 4 to divide."""
        windows = 2 if self.region == "within_channel" else 1
        return output.size * (1 + windows * self.size + 4)


class InstanceNormalization(Same):
    """Brings each channel of each example to mean 0 and standard deviation 1 over its positions.

    Source: Ulyanov et al. 2016, "Instance Normalization: The Missing Ingredient for Fast Stylization", section 2. The
    channels are the last axis.
    """

    keras = "dlspec.keras_layers.InstanceNormalization"
    aid = "normalization"
    masking = "drop"
    axes = "[…, channels] with positions before the channels"
    least = 2
    epsilon = number(above=0, default=1e-5, doc="Added to the variance against division by zero.")
    center = boolean(default=True, doc="Whether to add a learned offset, `beta`.")
    scale = boolean(default=True, doc="Whether to multiply by a learned factor, `gamma`.")
    beta_initializer = initializer("zeros", "the offset")
    gamma_initializer = initializer("ones", "the factor")
    examples = (example("", (28, 28, 8)), example("{center: false, epsilon: 1e-3}", (None, 5)))

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Factor and offset [channels]."""
        channels = known(x, -1, self.name) if self.scale or self.center else 0
        if self.scale:
            yield Weight("gamma", (channels,))
        if self.center:
            yield Weight("beta", (channels,))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Eight per element: mean 1, variance 2, normalization 3, factor and offset 2."""
        return 8 * output.size


class WeightNormalization(Layer):
    """Wraps a layer and learns the direction and the length of its kernel separately: w = g · v / |v|.

    Source: Salimans & Kingma 2016, "Weight Normalization", section 2, equation 2. The length g of each output unit
    starts as |v|; the paper's initialization from a batch of data (section 3) is left out.
    """

    keras = "dlspec.keras_layers.WeightNormalization"
    shorthand = "layer"
    layer = component("layer", doc="The layer: `dense`, `conv1d`, `conv2d` or `conv3d`.")
    examples = (
        example("{layer: {dense: 10}}", (64,)),
        example("{layer: {conv2d: {filters: 4, kernel_size: 3, use_bias: false}}}", (28, 28, 1)),
    )

    @property
    def masking(self) -> Literal["pass", "drop"]:  # type: ignore[override]
        """How the wrapped layer treats a mask."""
        return cast(Layer, self.layer).masking

    def validate(self) -> None:
        """The layer has a kernel whose last axis is the output units, and no penalty that Keras would lose."""
        if not self.layer.unit_kernel:
            message = f"{self.name} wraps a layer with a kernel, not `{self.layer.name}`"
            raise Problem("E207", message, "wrap a `dense`, `conv1d`, `conv2d` or `conv3d`", "layer")
        if self.layer.activity_regularizer is not None:
            message = f"{self.name} cannot pass on the `activity_regularizer` of `{self.layer.name}`"
            raise Problem("E207", message, "put an `activity_regularization` behind it", "layer")

    def infer(self, x: Tensor) -> Outputs:
        """Output of the wrapped layer."""
        output: Outputs = self.layer.infer(x)
        return output

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """The lengths, one per output unit, then the weights of the wrapped layer."""
        inner = inner_weights(self.layer, "layer/", x)
        yield Weight("g", inner[0].shape[-1:])
        yield from inner

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Operations of the wrapped layer; in use, the kernel is a constant."""
        count: int = self.layer.flops(output, x)
        return count


# --- autoencoders ----------------------------------------------------------------------------------------------------


def return_loss(what: str) -> Field[bool]:
    """The option that gives what a layer else adds to the loss."""
    return boolean(default=False, doc=f"Whether to give the {what} as well, and to add nothing to the loss.")


def check_weight(layer: Layer) -> None:
    """Raises E207 for `kl_weight` where the loss is given: it is weighed in `minimize`."""
    if layer.given.get("return_loss") and "kl_weight" in layer.given:
        message = f"`kl_weight` of `{layer.name}` has no effect beside `return_loss`"
        raise Problem("E207", message, "weigh it where it is minimised: `minimize: {NAME: 0.1}`", "kl_weight")


class GaussianSampling(Layer):
    """Draws from a normal distribution with learned mean and variance, and adds its KL divergence to the loss.

    Source: Kingma & Welling 2014, "Auto-Encoding Variational Bayes", section 2.4 and appendix B. The divergence from
    the standard normal distribution is summed over the features and averaged over the batch; where the loss of the
    reconstruction is a mean over n values, as `mse` is, `kl_weight: 1 / n` keeps their proportion. Other weights make
    a beta-VAE (Higgins et al. 2017). Outside training the output is the mean. With `return_loss` it gives the
    divergence of each example as well, to be minimised by its name.
    """

    keras = "dlspec.keras_layers.GaussianSampling"
    masking = "pass"
    arguments = ("mean", "log_variance")
    kl_weight = number(min=0, default=1.0, doc="Factor of the divergence in the loss.")
    seed = seed()
    return_loss = return_loss("divergence")
    examples = (
        example("", (8,), (8,)),
        example("{kl_weight: 0.01, seed: 1}", (None, 4), (None, 4)),
        example("{return_loss: true}", (8,), (8,)),
    )

    def validate(self) -> None:
        """A factor of the loss needs a loss that is added: not with `return_loss`."""
        check_weight(self)

    @property
    def adds_loss(self) -> bool:
        """Unless it is given."""
        return not self.return_loss

    def infer(self, mean: Tensor, log_variance: Tensor) -> Outputs:
        """The shape of the inputs."""
        if mean.shape != log_variance.shape:
            shapes = f"{show_shape(mean.shape)} and {show_shape(log_variance.shape)}"
            message = f"{self.name} takes mean and logarithm of the variance in one shape, but they have {shapes}"
            raise Problem("E402", message, "give both layers before it the same size")
        drawn = Tensor(mean.shape, self.compute_dtype)
        return (drawn, Tensor((), "float32")) if self.return_loss else drawn

    def padding_counts(self, mean: Tensor, log_variance: Tensor) -> str:
        """Says that the divergence which the layer gives, or adds to the loss, counts masked steps."""
        what = (
            "gives the divergence of all steps" if self.return_loss else "adds the divergence of all steps to the loss"
        )
        return f"is not looked at here: {self.name} {what}"

    def flops(self, output: Tensor, mean: Tensor, log_variance: Tensor) -> int:
        """0: outside of training the layer passes the mean on."""
        return 0


class KLSparsity(Layer):
    """Leaves the input as it is and adds a penalty to the loss unless each unit is rarely active.

    Source: Ng 2011, "Sparse autoencoder" (CS294A lecture notes), section 3. The mean activation of each unit over the
    batch is held against `sparsity`; the inputs lie between 0 and 1, as those of `sigmoid` do. With `return_loss` it
    gives the penalty as well, the same for each example of a batch, to be minimised by its name.
    """

    keras = "dlspec.keras_layers.KLSparsity"
    aid = "penalty"
    shorthand = "sparsity"
    sparsity = number(above=0, below=1, default=0.05, doc="Wanted mean activation of each unit.")
    kl_weight = number(min=0, default=1.0, doc="Factor of the penalty in the loss.")
    return_loss = return_loss("penalty")
    examples = (
        example("", (64,)),
        example("{sparsity: 0.1, kl_weight: 3}", (None, 8)),
        example("{return_loss: true}", (64,)),
    )
    masking = "pass"
    over_batch = True

    def validate(self) -> None:
        """A factor of the loss needs a loss that is added: not with `return_loss`."""
        check_weight(self)

    @property
    def adds_loss(self) -> bool:
        """Unless it is given."""
        return not self.return_loss

    def infer(self, x: Tensor) -> Outputs:
        """The shape of the input, and the penalty []."""
        check_axes(x, self.name, "[…, features]", 1)
        same = Tensor(x.shape, self.compute_dtype)
        return (same, Tensor((), "float32")) if self.return_loss else same


# --- others ----------------------------------------------------------------------------------------------------------


class Maxout(Same):
    """Computes several linear functions per unit and keeps the largest.

    Source: Goodfellow et al. 2013, "Maxout Networks", section 3.
    """

    keras = "dlspec.keras_layers.Maxout"
    shorthand = "units"
    units = integer(min=1, doc="Size of the output's last axis.")
    pieces = integer(min=1, default=2, doc="Number of linear functions per unit.")
    use_bias = boolean(default=True, doc="Whether to add a bias to each of them.")
    kernel_initializer = initializer("glorot_uniform", "the kernel")
    bias_initializer = initializer("zeros", "the bias")
    kernel_regularizer = regularizer("the kernel")
    kernel_constraint = constraint("the kernel")
    examples = (example("10", (64,)), example("{units: 3, pieces: 5, use_bias: false}", (None, 8)))

    def infer(self, x: Tensor) -> Tensor:
        """[…, features] → […, units]."""
        return Tensor((*super().infer(x).shape[:-1], self.units), self.compute_dtype)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Kernel [features, units × pieces] and bias, the pieces of a unit side by side."""
        yield Weight("kernel", (known(x, -1, self.name), self.units * self.pieces))
        if self.use_bias:
            yield Weight("bias", (self.units * self.pieces,))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Operations of a `dense` with the units of all pieces, and 1 per piece for the maximum."""
        return output.size * self.pieces * (2 * known(x, -1, self.name) + self.use_bias + 1)


class Reservoir(Recurrent):
    """Reads a sequence with fixed random recurrent connections; only what reads its states is trained.

    Source: Jaeger 2001, "The echo state approach to analysing and training recurrent neural networks"; leaky units
    after Jaeger et al. 2007. With a spectral radius below 1 the states usually forget how they started.
    """

    keras = "dlspec.keras_layers.Reservoir"
    shorthand = "units"
    stateful: Any = False
    units = integer(min=1, doc="Size of the state.")
    spectral_radius = number(min=0, default=0.9, doc="Largest absolute eigenvalue of the recurrent connections.")
    input_scaling = number(min=0, default=1.0, doc="Largest absolute weight of the inputs.")
    leak_rate = number(above=0, max=1, default=1.0, doc="Share of the state that each step renews.")
    connectivity = number(above=0, max=1, default=0.1, doc="Share of the recurrent connections that are not zero.")
    seed = seed()
    return_sequences = boolean(default=False, doc="Whether to return the state of every step.")
    return_state = boolean(default=False, doc="Whether to return the last state as well.")
    go_backwards = boolean(default=False, doc="Whether to read the sequence from its end.")
    examples = (
        example("100", (20, 8)),
        example("{units: 16, leak_rate: 0.3, return_sequences: true, return_state: true}", (None, 3)),
    )

    def step(self, sequence: Tensor) -> tuple[int | None, ...]:
        """Shape of the output of one step: [units]."""
        check_sequence(self.name, sequence, unroll=False)
        return (self.units,)

    def weights(self, sequence: Tensor, initial_state: States = None) -> Iterable[Weight]:
        """Connections from the inputs and between the units; training changes neither."""
        yield Weight("kernel", (known(sequence, -1, self.name), self.units), trainable=False)
        yield Weight("recurrent_kernel", (self.units, self.units), trainable=False)

    def flops(self, output: Tensor, sequence: Tensor, initial_state: States = None) -> int:
        """Per step and unit: the two products, their sum, the activation, and 3 for the leak."""
        per_unit = 2 * (known(sequence, -1, self.name) + self.units) + 1 + 1 + (3 if self.leak_rate < 1 else 0)
        per_step: int = self.units * per_unit
        return Tensor((sequence.shape[0],)).size * per_step
