"""A functional model step by step: of the steps so far it keeps what the next one needs.

What :func:`dlspec.graph.stepwise.step_plan` says of a graph is done here with the layers of the built model. A piece is
some steps in a row: all that rows begin with at once, then each further step alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dlspec.backends.keras.internals import calls_in_order, set_mask
from dlspec.backends.keras.stepped_layers import PREPARED, RULES, Call, Key, Piece
from dlspec.graph.stepwise import StepPlan


class Stepper:
    """A model that computes pieces of rows.

    Args:
        core: The model, with a single output.
        plan: How its graph is computed step by step.
        fed: The input that has the steps.

    Raises:
        LookupError: The model has a layer that the plan does not know.
    """

    def __init__(self, core: Any, plan: StepPlan, fed: str) -> None:
        self._inputs = {tensor.name: tensor for tensor in core.inputs}
        self._row = self._inputs.pop(fed)
        flat = _Flat({((), id(tensor)) for tensor in self._inputs.values()})
        keys = {id(tensor): ((), id(tensor)) for tensor in core.inputs}
        (self._output,) = flat.model(core, plan, keys, ())
        self._calls = flat.calls

    @property
    def steps(self) -> int:
        """Of a whole row."""
        return int(self._row.shape[1])

    def apart(self, inputs: Mapping[str, Any]) -> dict[Any, Any]:
        """What does not depend on the row, computed once: tensors, and what layers that see the row make of them.

        Args:
            inputs: The other inputs, by name.
        """
        import tensorflow as tf

        values: dict[Any, Any] = {
            ((), id(tensor)): tf.cast(inputs[name], tensor.dtype) for name, tensor in self._inputs.items()
        }
        for call in self._calls:
            if not call.rule:
                values.update(call.computed(values))
            elif call.rule in PREPARED:
                values[call.leaving[0], "prepared"] = PREPARED[call.rule](call, values, self.steps)
        return values

    def write(self, inputs: Mapping[str, Any], state: Any, body: Callable[..., Any], going: Callable[..., Any]) -> Any:
        """Goes on with rows for as many steps as the model sees of a row: see :mod:`dlspec.standalone.generating`.

        Args:
            inputs: The other inputs, by name.
            state: Step, rows written so far, more, and last which rows are over.
            body: From scores [n, classes] of the next index and a state to the next state, and which rows its rows go
                on with, None where each goes on with itself.
            going: Whether there is a next step, from a state.

        Returns:
            The last state.
        """
        import tensorflow as tf

        from dlspec.standalone.generating import shapes_of

        apart = self.apart(inputs)
        step, written = state[:2]
        kept = self.begin(apart, tf.slice(written, [0, 0], [-1, tf.minimum(step, self.steps)]))

        def further(now: Any, kept: Any) -> Any:
            step, written = now[:2]
            token = tf.ensure_shape(tf.slice(written, [0, step], [-1, 1]), [None, 1])
            scores, kept = self.advance(apart, kept, step, token)
            now, origin = body(scores[:, 0], *now)
            return now, kept if origin is None else [tf.gather(values, origin) for values in kept]

        shapes = (shapes_of(state), list(shapes_of(kept)))
        return tf.while_loop(going, further, (state, kept), shape_invariants=shapes)[0]

    def begin(self, apart: Mapping[Any, Any], piece: Any) -> list[Any]:
        """What is kept after the first steps of rows, which may be none at all.

        Args:
            apart: What :meth:`apart` gave.
            piece: Indices [examples, steps].
        """
        return self._walk(apart, None, 0, piece)[1]

    def advance(self, apart: Mapping[Any, Any], kept: Sequence[Any], offset: Any, piece: Any) -> tuple[Any, list[Any]]:
        """The output of the next step, and what is kept after it.

        Args:
            apart: What :meth:`apart` gave.
            kept: Tensors, the first axis of each the examples.
            offset: The number of the step.
            piece: Its indices [examples, 1].

        Returns:
            The output [examples, 1, …], and tensors as in `kept`.
        """
        return self._walk(apart, iter(kept), offset, piece)

    def _walk(
        self, apart: Mapping[Any, Any], given: Iterator[Any] | None, offset: Any, piece: Any
    ) -> tuple[Any, list[Any]]:
        import tensorflow as tf

        values = {**apart, ((), id(self._row)): tf.cast(piece, self._row.dtype)}
        at = Piece(given, offset, self.steps, tf.shape(piece)[1], [])
        for call in self._calls:
            if call.rule:
                output = RULES[call.rule](call, values, at)
                set_mask(output, None)  # no step that is written is hidden
                values[call.leaving[0]] = output
        return values[self._output], at.kept


class _Flat:
    """The calls of a model and of the models inside that see the row, in one list.

    Masks are tensors that Keras computes beside the layers: those of the row are left out.

    Attributes:
        apart: The tensors that do not depend on the row.
        calls: In their order.
    """

    def __init__(self, apart: set[Key]) -> None:
        self.apart = apart
        self.calls: list[Call] = []
        self._masks: set[Key] = set()

    def model(self, model: Any, plan: StepPlan, keys: Mapping[int, Key], path: tuple[int, ...]) -> list[Key]:
        """Adds the calls of a model whose inputs are the tensors `keys`; returns its outputs.

        Raises:
            LookupError: The plan does not know a layer.
        """
        known = dict(keys)
        for number, call in enumerate(calls_in_order(model)):
            if not call.is_input:
                entering = {id(tensor): known[id(tensor)] for tensor in call.input_tensors}
                leaving = self._call(call, plan, entering, (*path, number))
                known.update(zip(map(id, call.outputs), leaving, strict=True))
        outputs = [known[id(tensor)] for tensor in model.outputs]
        if not self._masks.isdisjoint(outputs):
            raise LookupError(model.name)
        return outputs

    def _call(self, call: Any, plan: StepPlan, entering: Mapping[int, Key], path: tuple[int, ...]) -> list[Key]:
        """Adds one call; returns what it gives."""
        leaving = [(path, number) for number in range(len(call.outputs))]
        steps = {name: key for name, key in entering.items() if key not in self.apart}
        if not steps:
            self.apart.update(leaving)
            self.calls.append(Call(call, "", entering, leaving))
            return leaving
        tensors = _positional(call)
        inside = plan.inner.get((call.operation.name, tuple(id(tensor) in steps for tensor in tensors)))
        if inside is not None:
            inner = {id(a): entering[id(b)] for a, b in zip(call.operation.inputs, tensors, strict=True)}
            return self.model(call.operation, inside, inner, path)
        rule = _rule(call.operation, plan)
        if not rule:
            self._masks.update(leaving)
            return leaving
        if not self._masks.isdisjoint(entering[id(tensor)] for tensor in tensors):
            raise LookupError(call.operation.name)
        taken = {name: key for name, key in entering.items() if key not in self._masks}
        self.calls.append(Call(call, rule, taken, leaving, frozenset(steps)))
        return leaving


def _positional(call: Any) -> list[Any]:
    """The tensors that a call takes by their place."""
    import keras

    tensors: list[Any] = keras.tree.flatten(call.arguments.args)
    return [tensor for tensor in tensors if isinstance(tensor, keras.KerasTensor)]


def _rule(operation: Any, plan: StepPlan) -> str:
    """How the steps of a layer follow; "" for what is no layer of the plan."""
    import keras

    stem, _, _ = operation.name.rpartition(".")
    if isinstance(operation, keras.layers.Rescaling) and stem in plan.rules:  # a copy for that layer, see `build`
        return plan.rules.get(operation.name, "elements")
    return plan.rules.get(operation.name, "")
