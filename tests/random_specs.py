"""Random specs that use every construct of the graph language; equal seeds give equal specs."""

from __future__ import annotations

from random import Random
from typing import Any

from dlspec.syntax.dumping import dump

Step = Any


class Writer:
    """Writes one random spec. Each family keeps a shape of its own kind: an image, a sequence, a vector."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.names = 0
        self.family = self.random.choice(["image", "sequence", "vector"])
        self.width = self.random.choice([3, 4, 6])

    def text(self) -> str:
        """The spec as YAML."""
        shape = {"image": [8, 8, self.width], "sequence": [6, self.width], "vector": [self.width]}[self.family]
        inputs: dict[str, Any] = {"x": shape}
        params = {"width": self.width, "deep": self.flip()}
        spec: dict[str, Any] = {"name": "random", "params": params, "inputs": inputs}
        own = {"width": self.width, "act": "relu"}
        spec["blocks"] = {"Unit": {"params": own, "layers": self.unit("$width", "$act")}}
        spec["models"] = {"Tower": {"inputs": {"t": shape}, "layers": self.same(1)}}
        first: list[Step] = []
        if self.flip():
            inputs["y"] = shape
            first = [{self.random.choice(["add", "multiply", "average"]): ["x", "y"]}]
        body = first + [step for _ in range(self.random.randint(2, 6)) for step in self.group(2)]
        body += ["Unit", {"Tower": {"repeat": self.random.randint(1, 2)}}, *self.head()]
        spec["layers"] = body
        return dump(spec)

    def flip(self) -> bool:
        return self.random.random() < 0.5

    def name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    def unit(self, width: Any, act: Any) -> list[Step]:
        """Steps that keep the shape but for the channels, which become `width`."""
        if self.family == "image":
            kernel = self.random.choice([1, 3, [3, 1]])
            return [{"conv2d": {"filters": width, "kernel_size": kernel, "padding": "same", "activation": act}}]
        if self.family == "sequence":
            kind = self.random.choice(["lstm", "gru", "simple_rnn"])
            recurrent = {kind: {"units": width, "return_sequences": True}}
            conv = {"conv1d": {"filters": width, "kernel_size": 3, "padding": "causal", "activation": act}}
            return [self.random.choice([recurrent, conv, {"dense": {"units": width, "activation": act}}])]
        return [{"dense": {"units": width, "activation": act}}]

    def simple(self) -> Step:
        """A step that keeps the shape."""
        if self.random.random() < 0.2:
            return self.operation()
        return self.random.choice(
            ["batch_normalization", "layer_normalization", {"activation": "tanh"}, {"dropout": 0.2}, "re_lu",
             {"leaky_re_lu": {"negative_slope": 0.1}}, {"gaussian_noise": 0.1}]
        )  # fmt: skip

    def operation(self) -> Step:
        """A tensor operation that keeps the shape."""
        return self.random.choice(
            [{"ops.multiply": {"x2": 0.5}}, {"ops.subtract": {"x1": 1}}, {"ops.clip": {"x_min": -1, "x_max": 1}},
             "ops.tanh", {"ops.softmax": -1}, {"ops.flip": 1}, {"ops.maximum": {"x2": 0}},
             {"ops.roll": {"shift": 1, "axis": -1}}]
        )  # fmt: skip

    def same(self, depth: int) -> list[Step]:
        """Steps that keep the whole shape."""
        return [*self.unit(self.width, "relu"), self.simple()] if depth < 2 or self.flip() else self.group(depth - 1)

    def group(self, depth: int) -> list[Step]:
        """One construct that keeps the whole shape."""
        kinds = [self.residual, self.repeat, self.parallel, self.counted, self.skip, self.conditional, self.block]
        return self.random.choice(kinds)(depth)

    def residual(self, depth: int) -> list[Step]:
        options: dict[str, Any] = {"layers": self.same(depth)}
        if self.flip():
            options["shortcut"] = self.unit(self.width, "linear")
        return [{"residual": options}]

    def repeat(self, depth: int) -> list[Step]:
        if self.flip():
            return [{"repeat": {"times": self.random.randint(1, 3), "layers": self.same(depth)}}]
        widths = [self.random.choice([2, 5]), self.width]
        return [{"repeat": {"each": {"w": widths}, "layers": self.unit("$w", "relu")}}]

    def parallel(self, depth: int) -> list[Step]:
        branches: list[Any] = [self.same(depth), self.simple(), []]
        merge = self.random.choice(["concatenate", "maximum", {"concatenate": {"axis": -1}}])
        return [{"parallel": {"branches": branches, "merge": merge}}, *self.unit("$width", "relu")]

    def counted(self, depth: int) -> list[Step]:
        (unit,) = self.unit(self.width, "relu")
        ((key, options),) = unit.items()
        return [{key: {**options, "repeat": self.random.randint(1, 3)}}]

    def skip(self, depth: int) -> list[Step]:
        name = self.name()
        (unit,) = self.unit(self.width, "tanh")
        ((key, options),) = unit.items()
        merge = self.random.choice(["add", "add", "ops.maximum", "ops.multiply"])
        return [{key: {**options, "name": name}}, self.simple(), {merge: [name, "prev"]}]

    def conditional(self, depth: int) -> list[Step]:
        (unit,) = self.unit(self.width, "relu")
        ((key, options),) = unit.items()
        return [{key: {**options, "if": self.random.choice(["$deep", "not $deep", "$channels > 2"])}}]

    def block(self, depth: int) -> list[Step]:
        options = {"act": "tanh", "repeat": 2} if self.flip() else {"width": "$channels"}
        return [{"Unit": options}]

    def head(self) -> list[Step]:
        ends = {
            "image": [["flatten"], ["global_average_pooling2d"], ["max_pooling2d", "flatten"]],
            "sequence": [
                ["flatten"],
                [{"ops.mean": 1}],
                [{"ops.take": {"indices": 0, "axis": 1}}],
                ["global_max_pooling1d"],
                [{"bidirectional": {"layer": {"lstm": 3}}}],
            ],
            "vector": [[], [{"ops.expand_dims": 1}, {"ops.squeeze": 1}]],
        }
        return [*self.random.choice(ends[self.family]), {"dense": 2}]
