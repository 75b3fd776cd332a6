"""Layers around layers: both directions of a sequence, every step of one, and one layer after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from dlspec.components.layers.base import Layer, Outputs, inner_weights
from dlspec.components.layers.recurrent import Recurrent, States, check_states
from dlspec.components.registry import component, components, example, optional, plain
from dlspec.core.errors import Problem
from dlspec.core.ir import Shape, Tensor, Weight, show_shape

_ZEROS = "zero_output_for_mask"


def _without_addresses(saved: Any) -> Any:
    """A saved value without the numbers by which Keras knows objects again that are shared."""
    if isinstance(saved, Mapping):
        return {name: _without_addresses(value) for name, value in saved.items() if name != "shared_object_id"}
    return [_without_addresses(value) for value in saved] if isinstance(saved, list) else saved


def _without_zeros(saved: Any) -> Any:
    """A saved recurrent layer without the option that `bidirectional` sets."""
    inner = saved.get("config") if isinstance(saved, Mapping) else None
    if not isinstance(inner, Mapping) or inner.get(_ZEROS) != inner.get("return_sequences"):
        return saved
    return {**saved, "config": {name: value for name, value in inner.items() if name != _ZEROS}}


class Bidirectional(Layer):
    """Reads a sequence forwards with one recurrent layer and backwards with another, and merges both outputs."""

    keras = "keras.layers.Bidirectional"
    arguments = ("sequence", "initial_state?")
    list_arguments = ("initial_state",)
    masking = "pass"
    layer = component("layer", doc="The recurrent layer that reads forwards, and its copy backwards.")
    merge_mode = plain(
        {"enum": ["concat", "sum", "mul", "ave", None]},
        default="concat",
        doc="How the outputs are merged; null returns both.",
    )
    backward_layer = optional(component("layer"), doc="Another layer for the way back, with `go_backwards: true`.")
    examples = (
        example("{layer: {lstm: 16}}", (20, 8)),
        example("{layer: {gru: {units: 4, return_sequences: true, return_state: true}}, merge_mode: sum}", (None, 3)),
        example("{layer: {simple_rnn: 4}, merge_mode: null}", (9, 3)),
    )

    @classmethod
    def as_given(cls, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Masked steps of layers that return sequences give zeros: Keras sees to that."""
        return {name: _without_zeros(value) for name, value in config.items()}

    @classmethod
    def implied(cls, option: str, options: Mapping[str, Any], axes: int | None) -> Any:
        """The way back is a copy that runs in the other direction; returns what was saved of one."""
        back, forth = options.get("backward_layer"), options.get("layer")
        if option != "backward_layer" or not isinstance(back, Mapping) or not isinstance(forth, Mapping):
            return None
        backward, forward = ({**_without_addresses(layer.get("config", {})), "name": ""} for layer in (back, forth))
        copied = {**forward, "go_backwards": not forward.get("go_backwards")}
        return back if backward == copied and back.get("class_name") == forth.get("class_name") else None

    def validate(self) -> None:
        """Both layers are recurrent, run in opposite directions and return the same kind of output."""
        if not isinstance(self.layer, Recurrent):
            raise Problem(
                "E207", f"bidirectional wraps a recurrent layer, not `{self.layer.name}`", _RECURRENT, "layer"
            )
        if self.backward_layer is None:
            if self.layer.go_backwards:
                message = "bidirectional reads forwards with `layer`, which has `go_backwards: true`"
                raise Problem("E207", message, "leave `go_backwards` out: the copy gets it", "layer")
        elif not isinstance(self.backward_layer, Recurrent):
            message = f"bidirectional wraps a recurrent layer, not `{self.backward_layer.name}`"
            raise Problem("E207", message, _RECURRENT, "backward_layer")
        else:
            self._compare(self.layer, self.backward_layer)

    def _compare(self, forward: Recurrent, backward: Recurrent) -> None:
        if forward.go_backwards == backward.go_backwards:
            message = "bidirectional needs `go_backwards: true` in `backward_layer` and not in `layer`"
            raise Problem("E207", message, "set it in `backward_layer` only", "backward_layer")
        for option in ("return_sequences", "return_state"):
            if getattr(forward, option) != getattr(backward, option):
                message = f"bidirectional needs the same `{option}` in `layer` and `backward_layer`"
                raise Problem("E207", message, "make them equal", "backward_layer")

    @property
    def keeps_steps_with(self) -> str:
        """The option of the inner layer that would keep the axis of steps; "" where it is kept."""
        option = self.layer.keeps_steps_with
        return option and f"layer: {{{self.layer.name}: {{…, {option}}}}}"

    def infer(self, sequence: Tensor, initial_state: States = None) -> Outputs:
        """The merged outputs, then with `return_state` the forward and the backward states."""
        forward, *states = self._outputs(self.layer, sequence)
        backward, *others = self._outputs(self.backward_layer or self.layer, sequence)
        if forward.shape != backward.shape:
            shapes = f"{show_shape(forward.shape)} and {show_shape(backward.shape)}"
            message = f"bidirectional needs outputs of the same shape both ways, but they are {shapes}"
            raise Problem("E402", message, "give `backward_layer` as many units as `layer`", "backward_layer")
        if initial_state is not None:
            self._check_states(sequence, initial_state)
        merged = self._merged(forward.shape)
        return merged[0] if len(merged) == 1 and not states else (*merged, *states, *others)

    def _check_states(self, sequence: Tensor, initial_state: Tensor | Sequence[Tensor]) -> None:
        ways = [layer.initial_shapes(sequence) for layer in (self.layer, self.backward_layer or self.layer)]
        if len(ways[0]) != len(ways[1]):
            message = "bidirectional takes no initial state where its layers have different numbers of states"
            raise Problem("E405", message, "use layers of the same kind", "backward_layer")
        check_states(self.name, initial_state, ways[0] + ways[1])

    def _outputs(self, layer: Recurrent, sequence: Tensor) -> tuple[Tensor, ...]:
        outputs = layer.infer(sequence)
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def _merged(self, shape: Shape) -> tuple[Tensor, ...]:
        if self.merge_mode == "concat":
            last = shape[-1]
            shape = (*shape[:-1], None if last is None else 2 * last)
        return (Tensor(shape, self.compute_dtype),) * (2 if self.merge_mode is None else 1)

    def weights(self, sequence: Tensor, initial_state: States = None) -> Iterable[Weight]:
        """Weights of the forward layer, then of the backward layer."""
        yield from inner_weights(self.layer, "forward/", sequence)
        yield from inner_weights(self.backward_layer or self.layer, "backward/", sequence)

    def flops(self, output: Tensor, sequence: Tensor, initial_state: States = None) -> int:
        """Operations of both layers, and 1 per element to merge them other than by concatenation."""
        both = [cast(Recurrent, layer) for layer in (self.layer, self.backward_layer or self.layer)]
        merging = output.size if self.merge_mode in ("sum", "mul", "ave") else 0
        return merging + sum(layer.flops(self._outputs(layer, sequence)[0], sequence) for layer in both)

    def mask(self, sequence: Tensor, initial_state: States = None) -> bool:
        """Whether the output carries a mask: only a sequence keeps that of the input."""
        return bool(self.layer.return_sequences) and sequence.masked


class TimeDistributed(Layer):
    """Applies one layer to every step of a sequence."""

    keras = "keras.layers.TimeDistributed"
    shorthand = "layer"
    masking = "pass"
    stepwise = "features"
    layer = component("layer", doc="The layer, which sees one step at a time.")
    examples = (
        example("{layer: {dense: 8}}", (None, 16)),
        example("{layer: {conv2d: {filters: 4, kernel_size: 3}}}", (5, 28, 28, 1)),
        example("flatten", (5, 3, 2)),
    )

    def validate(self) -> None:
        """Checks that the inner layer takes one tensor."""
        needed = [argument for argument in self.layer.arguments if not argument.endswith("?")]
        if self.layer.takes_list or len(needed) > 1:
            message = f"time_distributed wraps a layer with one input, not `{self.layer.name}`"
            raise Problem("E207", message, "call it on whole sequences instead", "layer")
        if self.layer.adds_loss:
            message = f"time_distributed loses what `{self.layer.name}` adds to the loss"
            raise Problem("E207", message, "put an `activity_regularization` behind it", "layer")

    def infer(self, x: Tensor) -> Tensor:
        """[steps, …] → [steps, *what the layer makes of one step]."""
        output = self.layer.infer(self._step(x))
        if isinstance(output, tuple):
            message = f"time_distributed wraps a layer with one output, but `{self.layer.name}` has {len(output)}"
            raise Problem("E207", message, "leave `return_state` out", "layer")
        if x.masked and x.rank > 2 and output.shape[:-1] != x.shape[1:-1]:
            # Keras hands the mask of [sentences, words] on as that of [sentences].
            made = show_shape((x.shape[0], *output.shape))
            message = f"time_distributed hands the mask of {show_shape(x.shape)} on to {made}, which it does not fit"
            raise Problem("E402", message, _STEPS_ONLY)
        return Tensor((x.shape[0], *output.shape), self.compute_dtype)

    @property
    def adaptable(self) -> tuple[str, ...]:
        """Those of the inner layer."""
        inner: tuple[str, ...] = self.layer.adaptable
        return inner

    def _step(self, x: Tensor) -> Tensor:
        if x.rank < 2:
            message = f"time_distributed expects [steps, …], but the input has shape {show_shape(x.shape)}"
            raise Problem("E402", message, "use the wrapped layer by itself")
        return x.reshaped(x.shape[1:])

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Weights of the inner layer, which all steps share."""
        return inner_weights(self.layer, "", self._step(x))

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Operations of the inner layer, times the number of steps."""
        single: int = self.layer.flops(output.reshaped(output.shape[1:]), self._step(x))
        return Tensor((x.shape[0],)).size * single


class Pipeline(Layer):
    """Applies layers one after another, as one layer; made for preparing and changing images."""

    keras = "keras.layers.Pipeline"
    shorthand = "layers"
    trainable: Any = True  # Keras's constructor takes neither; the layers inside have their own
    dtype: Any = None
    layers = components("layer", doc="The layers, each with one input and one output.")
    examples = (
        example("[{rescaling: 2}, {dense: 3}, batch_normalization, {dense: 3}]", (8,)),
        example("{layers: [{random_flip: horizontal}, {random_rotation: 0.1}]}", (None, None, 3)),
    )

    def validate(self) -> None:
        """There are layers, and each takes one tensor and is ready for use."""
        if not self.layers:
            raise Problem("E207", "pipeline has no `layers`", "give at least one", "layers")
        for layer in self.layers:
            if layer.takes_list or sum(not argument.endswith("?") for argument in layer.arguments) > 1:
                message = f"pipeline takes layers with one input, not `{layer.name}`"
                raise Problem("E207", message, "use it after the pipeline", "layers")
            if layer.adapts:
                message = f"pipeline cannot measure the training data for `{layer.name}`"
                raise Problem("E207", message, "use it before the pipeline, or give its options", "layers")

    def infer(self, x: Tensor) -> Tensor:
        """Output of the last layer."""
        *_, (_, _, output) = self._steps(x)
        return output

    def _steps(self, x: Tensor) -> Iterator[tuple[Layer, Tensor, Tensor]]:
        """Each layer with what enters and what leaves it."""
        for layer in self.layers:
            entering = replace(x, dtype=layer.compute_dtype if x.floating else x.dtype)
            x = layer.infer(entering)
            if isinstance(x, tuple):
                message = f"pipeline takes layers with one output, but `{layer.name}` has {len(x)}"
                raise Problem("E207", message, "leave `return_state` out", "layers")
            yield layer, entering, x

    def mask(self, x: Tensor) -> bool:
        """Whether all layers pass it on; Keras warns that it ends all the same."""
        return all(layer.mask(replace(entering, masked=x.masked)) for layer, entering, _ in self._steps(x))

    def weights(self, x: Tensor) -> Iterable[Weight]:
        """Weights of all layers, in their order."""
        for index, (layer, entering, _) in enumerate(self._steps(x)):
            yield from inner_weights(layer, f"{index}_{layer.name}/", entering)

    def flops(self, output: Tensor, x: Tensor) -> int:
        """Sum of the operations of all layers."""
        return sum(layer.flops(leaving, entering) for layer, entering, leaving in self._steps(x))


_STEPS_ONLY = "leave `mask_zero` out of the embedding; padding then counts as words"
_RECURRENT = "use `lstm`, `gru`, `simple_rnn` or another recurrent layer"
