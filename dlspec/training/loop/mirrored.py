"""Training on several devices of this machine: which they are, and what stands on all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dlspec.backends.keras.internals import flatten_layers, forget_strategy, synchronized, take_sums_as_given
from dlspec.components.training.distributions import Mirrored
from dlspec.core.errors import Problem
from dlspec.training.loop.distribution import Step


@dataclass(frozen=True, slots=True)
class MirroredDevices:
    """Devices that hold copies of one model.

    Attributes:
        strategy: ``tf.distribute.MirroredStrategy``.
        devices: Their names, such as ``GPU:0``.
    """

    strategy: Any
    devices: tuple[str, ...]

    def __str__(self) -> str:
        return f"{len(self.devices)} devices ({', '.join(self.devices)})"

    def build(self, make: Callable[[], Any]) -> Any:
        """A model whose variables stand on every device."""
        with self.strategy.scope():
            model = make()
        # What Keras itself does with the model besides training (predict, adapt, save), it does on one device.
        forget_strategy(model)
        return model

    def optimizer(self, make: Callable[[], Any], variables: list[Any]) -> Any:
        """An optimizer whose variables stand on every device, and which is given sums of gradients over all of them."""
        with self.strategy.scope():
            optimizer = make()
            optimizer.build(variables)
        # Keras would add up what is summed already, and has clipped each device's share before.
        take_sums_as_given(optimizer)
        return optimizer

    def check(self, model: Any, count: int, batch_size: int) -> None:
        """Every device has an example of each batch that it needs.

        Args:
            model: The model.
            count: Examples of an epoch.
            batch_size: Examples of a batch; the last one holds the rest.

        Raises:
            Problem: E518, the batches are too small.
        """
        devices, rest = len(self.devices), count % batch_size
        if min(batch_size, count) < devices:
            message = f"a batch of {min(batch_size, count)} cannot be divided among {devices} devices"
            raise Problem("E518", message, "give more examples to a batch, or take fewer `devices`", "distribute")
        layers = [layer.name for layer in flatten_layers(model) if synchronized(layer)]
        if layers and 0 < rest < devices:
            message = f"the last batch holds {rest} of {count} examples, fewer than the {devices} devices"
            help = f"take another `batch_size`: `{layers[0]}` measures over the examples of every device"
            raise Problem("E518", message, help, "distribute")

    def steps(self, model: Any, batch: Any) -> tuple[Step, Step]:
        """Steps in which the devices meet. See :class:`dlspec.training.loop.mirrored_steps.MirroredSteps`."""
        from dlspec.training.loop.mirrored_steps import MirroredSteps

        mirrored = MirroredSteps(model, batch, self.strategy, len(self.devices))
        return mirrored.train, mirrored.test

    def compiled(self, wanted: bool | None) -> bool | str:
        """XLA cannot compile steps in which devices meet."""
        return False

    def agree(self, model: Any) -> None:
        """Lets random layers draw other numbers on each device; they follow from those of the first.

        To be called whenever their states were set: when training begins, or goes on from a checkpoint.
        """
        for variable in model.variables:
            if variable.name == "seed_generator_state":
                for number, copy in enumerate(self.strategy.experimental_local_results(variable.value)):
                    state = copy.numpy()
                    state[0] ^= (number * 0x9E3779B1) & 0x7FFFFFFF
                    copy.assign(state)


def open_devices(wanted: Mirrored) -> MirroredDevices | None:
    """The devices; None where there is one only.

    To be called before TensorFlow has computed anything.

    Raises:
        Problem: E518, they are not there.
    """
    import tensorflow as tf

    kind, count = _devices(wanted)
    if count < 2:
        return None
    names = tuple(f"{kind}:{number}" for number in range(count))
    # NCCL, which adds up between GPUs, is none for CPUs.
    operations = None if kind == "GPU" else tf.distribute.ReductionToOneDevice()
    return MirroredDevices(tf.distribute.MirroredStrategy(list(names), cross_device_ops=operations), names)


def _devices(wanted: Mirrored) -> tuple[str, int]:
    import tensorflow as tf

    present = len(tf.config.list_physical_devices("GPU"))
    if present:
        count = wanted.devices or present
        if count > present:
            message = f"`distribute` wants {count} devices, and this machine has {present} GPU{'s' * (present > 1)}"
            raise Problem("E518", message, "ask for as many as there are, or leave `devices` out", "distribute")
        return "GPU", count
    count = wanted.devices or 1
    if count > 1:
        _divide_cpu(count)
    return "CPU", count


def _divide_cpu(count: int) -> None:
    """Makes `count` devices of the CPU."""
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    if len(tf.config.get_logical_device_configuration(cpu) or ()) >= count:
        return
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
    except RuntimeError:  # it runs already; a training before this one may have divided the CPU
        present = len(tf.config.list_logical_devices("CPU"))
        if present < count:
            message = f"`distribute` wants {count} devices, and TensorFlow runs with {present} in this process already"
            raise Problem("E518", message, "train in a process of its own", "distribute") from None
