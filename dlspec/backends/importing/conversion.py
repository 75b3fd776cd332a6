"""Saved layers → steps: which component of dlspec each is, with which options, on which tensors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from dlspec.backends.importing.archives import Source
from dlspec.backends.importing.calls import Entering, entering_of
from dlspec.backends.importing.instances import count_outputs
from dlspec.backends.importing.network import (
    Call,
    Network,
    Ref,
    Saved,
    entering,
    is_input,
    network_of,
    refs,
    replaced_refs,
)
from dlspec.backends.importing.operations import operation_of, pieces
from dlspec.backends.importing.options import Lacking, Written, component_of, options_of
from dlspec.backends.importing.steps import Body, Model, Out, Step
from dlspec.components.layers.base import Layer
from dlspec.components.ops.base import Op
from dlspec.components.registry import BUILT_IN, snake_case
from dlspec.core.errors import Problem
from dlspec.core.ir import Tensor

_SHOWN = 20
# Private classes of keras.applications, as steps.
_SCALED_SUM = "CustomScaleLayer"
_RENAMED: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("keras.src.applications.convnext", "LayerScale"): {"init_values": "initial_value", "projection_dim": ""},
}


def convert(source: Source, *, inlines: bool = False) -> Model:
    """The graph of a saved model as steps.

    Args:
        source: The saved model.
        inlines: Whether the steps of a model inside that is called once are written where it is called; otherwise
            those of sequential ones alone are.

    Raises:
        Problem: E801 or E802, it has no graph; E803, it has layers or options that a spec cannot write, all of them.
    """
    network = network_of(source.model)
    converter = _Converter(inlines)
    main = converter.body(network)
    if converter.lacking:
        raise _lacking(source, converter.lacking)
    return Model(network.name, main, converter.models, remarks=converter.remarks)


def _lacking(source: Source, lacking: Mapping[str, list[Lacking]]) -> Problem:
    """One error that names every layer with what is missing for it, equal ones together."""
    layers: dict[tuple[str, ...], list[str]] = {}
    for name, items in lacking.items():
        layers.setdefault(tuple(dict.fromkeys(item.what for item in items)), []).append(name)
    lines = []
    for whats, names in layers.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        lines.append(f"{', '.join(f'`{name}`' for name in names[:3])}{more}: {', '.join(whats)}")
    cut = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    message = f"a spec has no words for parts of `{source.shown}`: " + "; ".join([*lines[:_SHOWN], *cut])
    help = "replace them where the model was made; `extensions` bring layers of your own into a spec"
    return Problem("E803", message, help)


class _Converter:
    """Converts one saved model, with those inside it.

    Attributes:
        models: Those that become `models` of the spec, by name.
        lacking: What a spec cannot say, by the name of the layer.
        remarks: What is worth a remark.
    """

    def __init__(self, inlines: bool) -> None:
        self.inlines = inlines
        # Names of the saved models around the layer that is converted.
        self.around: tuple[str, ...] = ()
        self.models: dict[str, Body] = {}
        self.lacking: dict[str, list[Lacking]] = {}
        self.remarks: list[str] = []

    def body(self, network: Network) -> Body:
        """A network as a body of its own."""
        body = Body()
        environment: dict[Ref, Out] = {}
        for number, name in enumerate(network.inputs):
            body.inputs[name] = entering(network.layers[name])
            environment[Ref(name, 0, 0)] = Out(-1 - number)
        self.inline(network, body, environment)
        body.outputs = [environment.get(ref, Out(-1)) for _, ref in network.outputs]
        body.keys = [key for key, _ in network.outputs]
        for key, out in zip(body.keys, body.outputs, strict=True):
            if key and out.step >= 0 and out.output == 0:
                body.steps[out.step].rename(key)
        return body

    def inline(self, network: Network, body: Body, environment: dict[Ref, Out]) -> None:
        """Appends the steps of a network; `environment` knows its inputs, and afterwards all its tensors."""
        order = _order(network)
        counts: dict[str, int] = {}
        for name, _ in order:
            counts[name] = counts.get(name, 0) + 1
        shared: dict[str, str] = {}
        for name, number in order:
            layer = network.layers[name]
            call = layer.calls[number]
            if name not in shared:
                model = self.model_of(layer, call, counts[name], network)
                if model:
                    shared[name] = model
            first = len(body.steps)
            results = self.call(layer, call, shared.get(name, ""), network, body, environment)
            for step in body.steps[first:]:
                step.path = step.path or (*self.around, name)
            for output, result in enumerate(results):
                environment[Ref(name, number, output)] = result

    def model_of(self, layer: Saved, call: Call, calls: int, network: Network) -> str:
        """The name in `models` of what stands for a layer; "" where its steps are written where it is called."""
        if layer.inner is not None:
            if calls == 1 and (layer.inner.sequential or self.inlines):
                return ""
            with self.inside(layer):
                return self.declare(layer.name, self.body(layer.inner))
        if calls == 1 or self.is_operation(layer):
            return ""
        written = self.written(layer, call, network)
        owner = cast("type[Layer] | None", written.owner)
        if owner is None or (owner.weights is Layer.weights and not owner.prepares):
            return ""
        body = Body()
        environment: dict[Ref, Out] = {}
        for number, ref in enumerate(dict.fromkeys(refs([call.args, dict(call.kwargs)]))):
            body.inputs[f"x{number}" if number else "x"] = network.types.get(ref, Tensor(()))
            environment[ref] = Out(-1 - number)
        body.outputs = self.call(layer, call, "", network, body, environment)
        for step in body.steps:
            step.path = (*self.around, layer.name)
        return self.declare(layer.name, body)

    @contextmanager
    def inside(self, layer: Saved) -> Iterator[None]:
        """Inside, steps belong to layers of that model."""
        outer = self.around
        self.around = (*outer, layer.name)
        try:
            yield
        finally:
            self.around = outer

    def declare(self, name: str, body: Body) -> str:
        """Puts a model into `models`, under a name that is free."""
        parts = re.findall(r"[A-Za-z0-9]+", name)
        base = "".join(part[:1].upper() + part[1:] for part in parts).lstrip("0123456789")[:50] or "Model"
        base = base[:1].upper() + base[1:]
        free = base
        number = 2
        while free in self.models:
            free, number = f"{base}{number}", number + 1
        self.models[free] = body
        return free

    @staticmethod
    def is_operation(layer: Saved) -> bool:
        """Whether it is a function of ``keras.ops`` or an activation called on a tensor: the module tells.

        Legacy files leave it out; there every layer says whether it is trainable.
        """
        if not layer.module:
            return "trainable" not in layer.config
        return ".ops." in layer.module or layer.module.startswith("keras.src.activations")

    def call(
        self, layer: Saved, call: Call, model: str, network: Network, body: Body, environment: dict[Ref, Out]
    ) -> list[Out]:
        """Appends the steps of one call; the tensors that come out."""
        tensors = [environment.get(ref) for ref in refs([call.args, dict(call.kwargs)])]
        if None in tensors:
            raise Problem("E801", f"the model's config makes no sense: `{layer.name}` takes a tensor that comes later")
        if model:
            return self.call_model(layer, model, call, body, environment)
        if layer.inner is not None:
            given = _in_order(layer.inner, call, environment)
            inner = {Ref(name, 0, 0): out for name, out in zip(layer.inner.inputs, given, strict=False)}
            with self.inside(layer):
                self.inline(layer.inner, body, inner)
            return [inner[ref] for _, ref in layer.inner.outputs]
        if self.is_operation(layer):
            return self.operation(layer, call, network, body, environment)
        if layer.class_name == _SCALED_SUM:
            return self.scaled_sum(layer, body, cast("list[Out]", tensors))
        written = self.written(layer, call, network)
        if written.owner is None:
            self.lacking.setdefault(layer.name, []).extend(written.lacking)
            return [body.add(Step("identity", {}, tensors[0] if tensors else [], layer.name))] * 8
        owner = cast("type[Layer]", written.owner)
        entering = entering_of(owner, call)
        self.lack(layer, [*written.lacking, *entering.lacking])
        step = self.step(owner, {**written.options, **entering.options}, entering, layer.name, environment)
        return self.outputs(step, owner, entering, layer, network, body)

    def call_model(self, layer: Saved, model: str, call: Call, body: Body, environment: dict[Ref, Out]) -> list[Out]:
        declared = self.models[model]
        given = _in_order(layer.inner, call, environment)
        step = Step(model, {}, given[0] if len(given) == 1 else given, layer.name, outputs=len(declared.outputs))
        first = body.add(step)
        return [Out(first.step, output) for output in range(step.outputs)]

    def outputs(
        self, step: Step, owner: type[Layer], entering: Entering, layer: Saved, network: Network, body: Body
    ) -> list[Out]:
        """Appends a step; the tensors that come out."""
        known = count_outputs(owner, step.options, entering.sources, network.types)
        step.outputs = max(known, network.used.get(layer.name, 0) + 1)
        first = body.add(step)
        return [Out(first.step, output) for output in range(step.outputs)]

    def step(
        self, owner: type[Layer], options: dict[str, Any], entering: Entering, name: str, environment: dict[Ref, Out]
    ) -> Step:
        sources = replaced_refs(entering.sources, environment)
        return Step(
            owner.registered_name, options, sources, name, owner.shorthand, owner.value_names_inputs(),
            commutes=owner.commutes,
        )  # fmt: skip

    def lack(self, layer: Saved, lacking: list[Lacking]) -> None:
        if lacking:
            self.lacking.setdefault(layer.name, []).extend(lacking)

    def written(self, layer: Saved, call: Call, network: Network) -> Written:
        """Which layer of dlspec a saved one is, and with which options."""
        config = layer.config
        renamed = _RENAMED.get((layer.module, layer.class_name))
        if renamed is not None:
            config = {renamed.get(key, key): value for key, value in config.items() if renamed.get(key, key)}
        elif layer.module and not layer.module.startswith(("keras.layers", "keras.src.layers", "dlspec.")):
            return Written(None, {}, [Lacking(f"the class `{layer.class_name}` of `{layer.module}`")])
        if isinstance(config.get("loss"), Mapping) and layer.module.startswith("dlspec."):
            return self.loss_step(config)
        name = snake_case(layer.class_name)
        owner = next(filter(None, (BUILT_IN.find("layer", form) for form in _forms(name))), None)
        if owner is None or name.startswith("ops."):
            return Written(None, {}, [Lacking(f"the layer `{layer.class_name}`")])
        first = next(refs(call.args), None)
        tensor = network.types.get(first) if first is not None else None
        return options_of(owner, config, None if tensor is None else tensor.rank + 1)

    def loss_step(self, config: Mapping[str, Any]) -> Written:
        """A loss as a step of the graph: its options stand beside those of the step."""
        loss = component_of("loss", config["loss"])
        owner = BUILT_IN.find("layer", f"losses.{loss.owner.registered_name}") if loss.owner else None
        if owner is None:
            return Written(None, {}, [Lacking("the loss of a step")])
        own = {key: value for key, value in config.items() if key != "loss"}
        step = options_of(owner, own)
        return Written(owner, {**loss.options, **step.options}, [*loss.lacking, *step.lacking])

    def scaled_sum(self, layer: Saved, body: Body, tensors: list[Out]) -> list[Out]:
        """InceptionResNetV2's sum of its input and a scaled branch."""
        scale = {"x2": layer.config.get("scale")}
        scaled = body.add(Step("ops.multiply", scale, tensors[1], f"{layer.name}_scale", lists=True))
        return [body.add(Step("add", {}, [tensors[0], scaled], layer.name, lists=True, commutes=True))]

    def operation(
        self, layer: Saved, call: Call, network: Network, body: Body, environment: dict[Ref, Out]
    ) -> list[Out]:
        """A function called on tensors of the graph."""
        result = network.types.get(Ref(layer.name, 0, 0))
        first = next(refs(call.args), None)
        source = network.types.get(first) if first is not None else None
        if (
            layer.class_name == "Cast"
            and source is not None
            and result is not None
            and source.floating
            and result.floating
        ):
            consumers = [other for other in network.layers.values() if _takes(other, layer.name)]
            if consumers and not any(self.is_operation(other) for other in consumers):
                return [environment[cast("Ref", first)]]  # Keras 3.6 to 3.8 wrote what layers do by themselves
        if layer.class_name == "GetItem":
            return self.get_item(layer, call, source, body, environment)
        operation = operation_of(layer, call, result)
        self.lack(layer, operation.lacking)
        if operation.owner is None:
            return [body.add(Step("identity", {}, environment[cast("Ref", first)], layer.name))] * 8
        owner = cast("type[Op]", operation.owner)
        step = self.step(owner, operation.options, operation, layer.name, environment)
        return self.outputs(step, owner, operation, layer, network, body)

    def get_item(
        self, layer: Saved, call: Call, source: Tensor | None, body: Body, environment: dict[Ref, Out]
    ) -> list[Out]:
        """``x[:, 0]`` and the like: slices, and indices that take an axis away."""
        last = environment[next(refs(call.args))]
        key = call.args[1] if len(call.args) > 1 else call.kwargs.get("key")
        steps = pieces(key, source)
        if steps is None:
            self.lack(layer, [Lacking("its index")])
            return [last]
        for number, (name, options) in enumerate(steps):
            suffix = "" if number == len(steps) - 1 else f"_{number}"
            last = body.add(Step(name, options, last, layer.name + suffix))
        return [last]


def _in_order(model: Network | None, call: Call, environment: Mapping[Ref, Out]) -> list[Out]:
    """The tensors that enter a call, in the order of the inputs of what is called; they may be given by name."""
    given = [environment[ref] for ref in refs([call.args, dict(call.kwargs)])]
    if model is None or not isinstance(call.args[0] if call.args else None, dict):
        return given
    by_name = {key: environment[ref] for key, value in call.args[0].items() for ref in refs(value)}
    return [by_name.get(name, out) for name, out in zip(model.inputs, given, strict=False)]


def _forms(name: str) -> tuple[str, ...]:
    """What a spec may call a layer of that class; draws and losses as steps are named after their family."""
    return name, name.replace("_", ".", 1), f"losses.{name}"


def _takes(layer: Saved, name: str) -> bool:
    return any(ref.layer == name for call in layer.calls for ref in refs([call.args, dict(call.kwargs)]))


def _order(network: Network) -> list[tuple[str, int]]:
    """Calls in an order in which they can run: each branch as a whole, from what enters it, as people write it."""
    order: list[tuple[str, int]] = []
    done: set[tuple[str, int]] = set()
    open_calls: set[tuple[str, int]] = set()
    stack = [(ref.layer, ref.call, False) for _, ref in reversed(network.outputs)]
    while stack:
        name, number, ready = stack.pop()
        layer = network.layers[name]
        if is_input(layer) or (name, number) in done:
            continue
        if ready:
            done.add((name, number))
            order.append((name, number))
            continue
        if (name, number) in open_calls:
            raise Problem("E801", f"the model's config makes no sense: `{name}` depends on itself")
        open_calls.add((name, number))
        if number >= len(layer.calls):
            raise Problem("E801", f"the model's config makes no sense: nothing says what enters `{name}`")
        stack.append((name, number, True))
        call = layer.calls[number]
        before = [(ref.layer, ref.call, False) for ref in refs([call.args, dict(call.kwargs)])]
        stack += reversed(before)
    return order
