"""Training on several devices in a generated project: what Keras's `fit` computes as `dlspec train` does."""

from __future__ import annotations

from dlspec.components.layers.base import layers_of
from dlspec.components.methods.supervised import Supervised
from dlspec.components.training.distributions import Mirrored
from dlspec.core.ir import Graph
from dlspec.export.python.syntax import Unsupported
from dlspec.passes.state import Checked

_CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")


def distribution(state: Checked, method: Supervised, graph: Graph) -> Mirrored | None:
    """The devices that share each batch; None for one device.

    Raises:
        Unsupported: Keras computes something for each device that is computed for all of them together.
    """
    shared = method.distribute
    if shared is None:
        return None
    if not isinstance(shared, Mirrored):
        raise Unsupported(f"`distribute: {shared.name}`")
    for optimizer in method.optimizers:
        for option in (*_CLIPPING, "use_ema"):
            if optimizer.rule.given.get(option):
                raise Unsupported(f"`{option}` beside `distribute`: Keras applies it on each device")
    for name, edge in graph.outputs:
        loss = method.loss_of(name)
        if loss is None:
            continue
        if graph.tensor(edge).masked:
            raise Unsupported(f"`distribute` where output `{name}` has a mask: Keras counts on each device")
        if loss.reduction not in ("sum_over_batch_size", "mean"):
            raise Unsupported(f"`distribute` with this `reduction` of `{loss.name}`: Keras reduces on each device")
    for node, layer, _ in layers_of(*state.graphs):
        if layer.over_batch:
            raise Unsupported(f"`distribute` with `{node.name}`: Keras keeps what the first device has measured")
    return shared
