"""Layers that learn an energy: low for what the data hold, high for what they do not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from dlspec.components.layers.base import Layer, initializer, seed
from dlspec.components.layers.ours import return_loss
from dlspec.components.registry import boolean, choice, example, integer, integers, optional
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor, Weight, known, show_shape


def _samples() -> Any:
    """The option that asks for what Gibbs steps draw."""
    return optional(
        integer(min=1),
        doc="A further output: in use, the probabilities (or means) of the visible units after so many Gibbs steps "
        "from what enters, by which a drawn input becomes a picture; in training, what enters.",
    )


class _Boltzmann(Layer, abstract=True):
    """Rules of Boltzmann machines: hidden units, what trains them, and what they draw."""

    formats_lacking = ("onnx", "litert")
    steps: Any
    samples: Any
    return_loss: Any

    @property
    def adds_loss(self) -> bool:
        """Unless it is given."""
        return not self.return_loss

    @property
    def top(self) -> int:
        """How many units of the highest layer it gives."""
        raise NotImplementedError

    @property
    def losses(self) -> int:
        """How many divergences it gives."""
        return int(self.return_loss)

    def infer(self, x: Tensor) -> tuple[Tensor, ...] | Tensor:
        """[features] → the hidden units; the divergence [] and visible units [features] where they are asked for."""
        if x.rank != 1:
            message = f"{self.name} takes the units as [features], but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message, "put a `flatten` before it")
        if not x.floating:
            message = f"{self.name} takes floating-point numbers, but the input has dtype {x.dtype}"
            raise Problem("E409", message, "cast it first: `ops.cast: float32`")
        known(x, -1, self.name)
        dtype = self.compute_dtype
        outputs = [Tensor((self.top,), dtype)]
        outputs += [Tensor((), dtype)] * self.losses
        outputs += [Tensor(x.shape, dtype)] if self.samples is not None else []
        return tuple(outputs) if len(outputs) > 1 else outputs[0]


class RestrictedBoltzmann(_Boltzmann):
    """A restricted Boltzmann machine: gives the probabilities of hidden units, and learns by contrastive divergence.

    Source: Hinton 2002, "Training Products of Experts by Minimizing Contrastive Divergence"; persistent chains:
    Tieleman 2008. The divergence of an example is F(v) − F(v′), the free energy of what enters less that of what Gibbs
    steps make of it; no gradient passes through v′.
    """

    keras = "dlspec.keras_layers.RestrictedBoltzmann"
    shorthand = "units"
    units = integer(min=1, doc="Number of hidden units.")
    steps = integer(min=1, default=1, doc="Gibbs steps from what enters, or of the chains, in each batch.")
    visible = choice(
        "bernoulli",
        "gaussian",
        default="bernoulli",
        doc="What enters: values between 0 and 1 that are probabilities of a 1, or numbers of variance 1.",
    )
    persistent = boolean(
        default=False,
        doc="Whether chains of its own go on from batch to batch, in place of some that begin at examples.",
    )
    chains = integer(min=1, default=100, doc="How many chains go on, where they persist.")
    samples = _samples()
    return_loss = return_loss("divergence of each example")
    kernel_initializer = initializer("random_normal", "the kernel")
    bias_initializer = initializer("zeros", "the biases of hidden units")
    visible_bias_initializer = initializer("zeros", "the biases of visible units")
    seed = seed()
    examples = (
        example("64", (16,)),
        example("{units: 8, visible: gaussian, steps: 2, return_loss: true}", (12,)),
        example("{units: 8, persistent: true, chains: 5, return_loss: true, samples: 3, seed: 1}", (12,)),
    )

    def validate(self) -> None:
        """Chains are there if they persist."""
        if "chains" in self.given and not self.persistent:
            raise Problem("E207", "`chains` has no effect unless they persist", "write `persistent: true`", "chains")

    @property
    def over_batch(self) -> bool:
        """Chains go on for all examples of a batch."""
        return bool(self.persistent)

    @property
    def top(self) -> int:
        """The hidden units."""
        return int(self.units)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Kernel [features, units], biases of hidden and visible units, and the chains."""
        size = known(x, -1, self.name)
        yield Weight("kernel", (size, self.units))
        yield Weight("bias", (self.units,))
        yield Weight("visible_bias", (size,))
        if self.persistent:
            yield Weight("particles", (self.chains, size), trainable=False)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Of the hidden units: as a `dense` with a sigmoid; with `samples`, both ways in each Gibbs step."""
        size = known(x, -1, self.name)
        once = self.units * (2 * size + 2)
        both = once + size * (2 * self.units + 2)
        return int(once + (self.samples or 0) * both)


class DeepBoltzmann(_Boltzmann):
    """A deep Boltzmann machine: gives the mean field of its highest layer, and learns by chains that go on.

    Source: Salakhutdinov & Hinton 2009, "Deep Boltzmann Machines". The divergence of an example is its variational free
    energy less the mean energy of the chains; no gradient passes through mean field and chains. What enters are
    probabilities of a 1. Without a start layer by layer (`layer_losses`, a phase for each), upper layers stay idle.
    """

    keras = "dlspec.keras_layers.DeepBoltzmann"
    shorthand = "units"
    units = integers(min=1, doc="Number of hidden units in each layer, the lowest first: two layers at least.")
    mean_field = integer(min=1, default=10, doc="Rounds of the mean field.")
    steps = integer(min=1, default=5, doc="Gibbs steps of the chains in each batch.")
    chains = integer(min=1, default=100, doc="How many chains go on from batch to batch.")
    samples = _samples()
    return_loss = return_loss("divergence of each example")
    layer_losses = boolean(
        default=False,
        doc="Whether to give, after the divergence, that of each layer by itself as well, the lowest first.",
    )
    kernel_initializer = initializer("random_normal", "the kernels")
    seed = seed()
    examples = (
        example("[8, 4]", (16,)),
        example("{units: [8, 4], return_loss: true, layer_losses: true, chains: 5}", (12,)),
        example("{units: [6, 5, 4], samples: 3, return_loss: true, seed: 1}", (12,)),
    )
    over_batch = True

    def validate(self) -> None:
        """It is deep, and a loss by layer needs that of the whole beside it."""
        if len(self.units) < 2:
            help = "write `units: [64, 32]`, or use `restricted_boltzmann`"
            raise Problem("E207", f"`{self.name}` needs two layers of hidden units at least", help, "units")
        if self.layer_losses and not self.return_loss:
            help = "write `return_loss: true`"
            raise Problem("E207", "`layer_losses` stand beside the divergence of the whole", help, "layer_losses")

    @property
    def top(self) -> int:
        """The units of the highest layer."""
        return int(self.units[-1])

    @property
    def losses(self) -> int:
        """That of the whole, and one for each layer."""
        return int(self.return_loss) + (len(self.units) if self.layer_losses else 0)

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Kernels from layer to layer, biases of all layers, and the chains with the units of all."""
        sizes = (known(x, -1, self.name), *self.units)
        for number, pair in enumerate(pairwise(sizes)):
            yield Weight(f"kernel_{number}", pair)
        for number, size in enumerate(sizes):
            yield Weight(f"bias_{number}", (size,))
        for number, size in enumerate(sizes):
            yield Weight(f"particles_{number}", (self.chains, size), trainable=False)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """A pass upwards, and both directions in each round of the mean field and each Gibbs step of `samples`."""
        sizes = (known(x, -1, self.name), *self.units)
        products = sum(2 * below * above for below, above in pairwise(sizes))
        units = 2 * sum(sizes[1:])
        once = products + units
        rounds = self.mean_field * (2 * products - 2 * sizes[0] * sizes[1] + units)
        return int(once + rounds + (self.samples or 0) * (2 * products + units + 2 * sizes[0]))
