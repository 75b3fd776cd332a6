"""Random specs whose structure asks everything of the code generator; equal seeds give equal specs.

Every piece takes and gives sequences of shape [4, width], so that any piece can follow any other. Pieces of single
layers stand in :mod:`tests.emit.random_layers`.
"""

# ruff: noqa: E501 (tables of specs in small)
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from dlspec.syntax.dumping import dump
from tests.emit import random_layers
from tests.emit.random_blocks import blocks, calls, models

Step = Any

STEPS = 4
# Names that Python, the generated module or another name of the spec also have.
NAMES = (
    "keras", "layers", "ops", "x", "y", "z", "math", "range", "list", "len", "zip", "dict", "max", "sum", "id", "type",
    "hidden", "np", "tf", "print", "self", "build_model", "shortcut", "residual", "branch_1", "branch_2", "skips",
    "skip", "unit", "tower", "build_tower", "examples", "tuple", "int", "enumerate", "match", "object", "width", "inputs",
    "x_2", "dense", "lstm_output", "w", "skip_1", "pool_0", "features_x", "x_0", "str", "bool", "float", "tensors",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """What may be written at one place.

    Attributes:
        ints: Names of small positive integers, with their dollar signs.
        floats: Names of rates below 1.
        flags: Names of booleans.
        acts: Names of activations.
        lists: Names of lists of two to three integers.
        turns: Whether `$index` is known.
        depth: How deep groups may still nest.
        batch: Whether this is a body in which names must not be given twice, or a group inside.
        models: Shared models that may be called here.
    """

    ints: tuple[str, ...] = ()
    floats: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    turns: bool = False
    depth: int = 2
    models: tuple[str, ...] = ()
    names: set[str] = field(default_factory=set)


class Structured:
    """Writes one random spec."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.width = self.random.choice([2, 3, 4])
        self.used: set[str] = set()
        self.blocks: dict[str, Any] = {}
        self.models: dict[str, Any] = {}

    def text(self) -> str:
        """The spec as YAML."""
        params: dict[str, Any] = {
            "width": self.width,
            "half": "$width // 2 + 1",
            "top": self.random.choice([2, "$half + 1", "$width", "max($half, 2)"]),
            "rate": self.random.choice([0.1, "0.1 * $half", "1 / $top / 4"]),
            "deep": self.random.choice([True, False, "$width > 2"]),
            "act": self.random.choice(["relu", "tanh", "gelu"]),
            "sizes": self.random.choice([[2, 3], [3, 5, 2], "[2] + [$top]"]),
            "word": {"choice": ["relu", "silu"], "default": "silu"},
            "count": {"int": [1, 3], "default": 2},
        }
        place = Place(("$width", "$half", "$top", "$count"), ("$rate",), ("$deep",), ("$act", "$word"), ("$sizes",))
        self.models = models(self, place)
        place = replace(place, models=tuple(self.models))
        self.blocks = blocks(self, place)
        inputs: dict[str, Any] = {self.name(place): [STEPS, "$width" if self.flip(0.3) else self.width]}
        first: list[Step] = []
        if self.flip(0.4):
            inputs[self.name(place)] = {"shape": [STEPS, self.width], "dtype": "float32"}
            first = [{self.random.choice(["add", "multiply", "maximum"]): list(inputs)}]
        body = self.body(place, self.random.randint(3, 6))
        named = []
        if self.flip(0.3):
            named = [self.name(place), self.name(place)]
            body += [
                {"dense": {"units": 3, "name": named[0]}},
                {"dense": {"units": 2, "from": "prev", "name": named[1]}},
            ]
        used = list(params)
        spec = {"name": "random", "params": {name: params[name] for name in used}, "inputs": inputs,
                "blocks": self.blocks, "models": self.models, "layers": first + body}  # fmt: skip
        if named:
            spec["outputs"] = named
        return dump({key: value for key, value in spec.items() if value != {}})

    # --- choices --------------------------------------------------------------------------------------------------

    def flip(self, chance: float = 0.5) -> bool:
        return self.random.random() < chance

    def name(self, place: Place) -> str:
        """A name that is free in the body, often one that collides with something else."""
        if self.flip(0.6):
            free = [name for name in NAMES if name not in place.names]
            if free:
                name = self.random.choice(free)
                place.names.add(name)
                return name
        count = len(place.names) + 1
        while f"n{count}" in place.names:
            count += 1
        place.names.add(f"n{count}")
        return f"n{count}"

    def integer(self, place: Place) -> Any:
        """A number of 1 to 6, as a constant or as an expression."""
        if self.flip(0.3) or not place.ints:
            return self.random.randint(1, 5)
        one, other = self.random.choice(place.ints), self.random.choice((*place.ints, "$channels", "$shape[0]"))
        return self.random.choice([
            one, f"max(1, min(6, {one} + {other}))", f"max(1, {one} // 2)", f"{one} % 3 + 1", f"{one} + 1",
            f"({one} if {one} > {other} else {other})", f"min({one}, {other}, 4)", f"2 ** ({one} % 3)",
            f"max(1, abs({one} - {other}))", f"max(1, round({one} / 2))", f"ceil({one} / 2)", f"int({one} * 1.5)",
            f"len([{one}, 2])", f"[3, {one}][1]", f"max(1, -(-{one} // 2))", f"floor({one} + 0.5)",
            f"(2 if 1 < {one} <= 4 and not ({other} == 2) else 3)", f"len($shape) + {one} - 1", "$shape[-1] * 1",
            f"(4 if {one} in [2, 3] else 2)", f"max(1, ({one} + {other}) * 2 % 5)",
            f"max([{one}, {other}])", "len($shape[0:1]) + 1",
        ])  # fmt: skip

    def rate(self, place: Place) -> Any:
        """A rate below 1."""
        options: list[Any] = [0.2, "1 / 4", *place.floats, *(f"{one} / 2" for one in place.floats)]
        return self.random.choice([*options, *(["0.05 * $index"] if place.turns else [])])

    def condition(self, place: Place) -> Any:
        """Something that is true or false."""
        options: list[Any] = [True, False, "$channels > 2", *place.flags, *(f"not {flag}" for flag in place.flags)]
        options += [f"{one} >= 3" for one in place.ints]
        if place.turns:
            options += ["$index > 0", "$index % 2 == 0", "$index == 7", "$index in [0, 2]"]
        if place.flags and place.ints:
            options.append(f"{place.flags[0]} or {place.ints[0]} == 2")
        return self.random.choice(options)

    def act(self, place: Place) -> Any:
        """An activation."""
        return self.random.choice(["relu", "tanh", *place.acts, *place.acts, {"leaky_relu": {"negative_slope": 0.1}}])

    # --- bodies ---------------------------------------------------------------------------------------------------

    def body(self, place: Place, count: int) -> list[Step]:
        """Some pieces in order."""
        return [step for _ in range(count) for step in self.piece(place)]

    def piece(self, place: Place) -> list[Step]:
        """One piece that keeps the shape."""
        groups: list[Callable[[Place], list[Step]]] = [
            self.turns, self.substituted, self.indexed, self.columns, self.counted, self.nested, self.residual,
            self.parallel, self.earlier, self.sized, self.worked_out, self.branches, self.joined, self.none,
        ]  # fmt: skip
        choice = self.random.random()
        if choice < 0.25:
            return random_layers.piece(self, place)
        if choice < 0.5 and (self.blocks or place.models):
            return calls(self, place)
        if choice < 0.9 and place.depth:
            return self.random.choice(groups)(replace(place, depth=place.depth - 1))
        return [self.dense(place)]

    def dense(self, place: Place, **more: Any) -> Step:
        """A dense layer of the right width, conditional at times."""
        options: dict[str, Any] = {"units": self.random.choice(["$width", self.width, "$channels"]), **more}
        if self.flip():
            options["activation"] = self.act(place)
        if self.flip(0.2) and "name" not in more:
            options["if"] = self.condition(place)
        return {"dense": options}

    def wide(self, place: Place) -> list[Step]:
        """A detour over another width."""
        return [{"dense": {"units": self.integer(place), "activation": self.act(place)}}, {"dense": self.width}]

    def inner(self, place: Place) -> list[Step]:
        """What stands inside a group."""
        return self.body(place, self.random.randint(1, 2)) if place.depth else [self.dense(place)]

    # --- repeats --------------------------------------------------------------------------------------------------

    def turns(self, place: Place) -> list[Step]:
        """A name inside of a group is the list of all turns behind it."""
        name = self.name(place)
        turn = replace(place, turns=True)
        group = [{"dense": {"units": self.width, "name": name}}, *(self.inner(turn) if self.flip() else [])]
        merge = self.random.choice([{"add": name}, {"maximum": [name, "prev"]}, {"average": [name]},
                                    {"ops.stack": {"axis": 1, "from": name}}])  # fmt: skip
        times = self.random.choice([2, 3, "1 + 1"])
        after = [{"ops.sum": 1}] if "ops.stack" in merge else []
        return [{"repeat": {"times": times, "layers": group}}, merge, *after]

    def substituted(self, place: Place) -> list[Step]:
        """Names with the values of a list in them."""
        stem = self.name(place)
        scales: Any = self.random.choice([[1, 2], [3, 1, 2], [2, 4, 8]])
        first = {"each": {"scale": scales}, "layers": [{"dense": {"units": self.width, "name": f"{stem}_$scale"}}]}
        if self.flip(0.4):
            first["layers"].append({"dense": {"units": "$scale"}})
            first["layers"].append({"dense": self.width})
        if self.flip(0.3):
            return [{"repeat": first}, {"add": [f"{stem}_{scales[0]}", f"{stem}_{scales[-1]}", "prev"]}]
        second = {
            "each": {"scale": list(reversed(scales))},
            "layers": [{"add": [f"{stem}_$scale", "prev"]}, self.dense(place)],
        }
        return [{"repeat": first}, {"repeat": second}]

    def indexed(self, place: Place) -> list[Step]:
        """Names with the number of the turn in them."""
        stem = self.name(place)
        count = self.random.randint(2, 3)
        text = self.random.choice([f"{stem}_$index", f"{stem}_$($index + 1)", f"{stem}$($index * 2)_b"])
        first = {
            "times": count,
            "layers": [{"dense": {"units": "$index + 2"}}, {"dense": {"units": self.width, "name": text}}],
        }
        if self.flip(0.3) and text.endswith("$index"):
            return [{"repeat": first}, {"add": [f"{stem}_0", f"{stem}_{count - 1}"]}]
        return [
            {"repeat": first},
            {"repeat": {"times": count, "layers": [{"multiply": ["prev", text]}, "layer_normalization"]}},
        ]

    def earlier(self, place: Place) -> list[Step]:
        """Turns that take what the two turns before them made."""
        stem = self.name(place)
        place.names.update({f"{stem}_0", f"{stem}_1"})
        start = [self.dense(place, name=f"{stem}_{number}") for number in (0, 1)]
        sources = [f"{stem}_$index", f"{stem}_$($index + 1)"]
        self.random.shuffle(sources)
        turn: list[Step] = [{"ops.subtract": sources}, *(self.inner(replace(place, turns=True)) if self.flip() else [])]
        last = {"dense": {"units": self.width, "name": f"{stem}_$($index + 2)"}}
        return [*start, {"repeat": {"times": self.random.choice([1, 2, "1 + 2"]), "layers": [*turn, last]}}]

    def sized(self, place: Place) -> list[Step]:
        """Sizes of a tensor that stands above."""
        first = self.name(place)
        sizes = [
            f"$channels({first})",
            f"max(1, $shape({first})[0] // 2)",
            f"len($shape({first})) + $shape({first})[-1]",
        ]
        last = {"dense": {"units": self.width, "if": f"$channels != $shape({first})[1]"}}
        inner = [{"dense": {"units": self.random.choice(sizes)}}, last]
        steps = inner if self.flip() else [{"repeat": {"times": 2, "layers": inner}}]
        return [self.dense(place, name=first), *self.wide(place), *steps, {"dense": self.width}]

    def worked_out(self, place: Place) -> list[Step]:
        """Values that each turn works out from its number, what enters it, and those above."""
        turn = replace(place, turns=True, ints=(*place.ints, "$u"))
        let = {"u": self.random.choice(["$index + 2", "$channels + 1", self.integer(place)]),
               "pair": "[$u, $index + 1]", "a": self.random.choice([self.act(place), "'relu' if $index else 'tanh'"])}  # fmt: skip
        layers = [
            {"dense": {"units": "$pair[1] + $u", "if": self.condition(turn)}},
            {"dense": {"units": "max($pair + [2])", "activation": self.random.choice(["$a", "linear"])}},
            {"dense": self.width},
            *(self.inner(turn) if self.flip() else []),
        ]
        return [{"repeat": {"times": self.random.choice([1, 3, "1 + 1"]), "let": let, "layers": layers}}]

    def columns(self, place: Place) -> list[Step]:
        """Several lists, lists of lists, activations, and what a loop cannot vary."""
        lists: dict[str, Any] = {"u": [2, 3]}
        if place.lists and self.flip(0.2):
            lists = {"u": self.random.choice(place.lists)}
        elif self.flip():
            lists["a"] = self.random.choice(
                [["relu", "tanh"], ["relu", {"elu": {"alpha": 0.5}}], list(place.acts)[:2] * 2]
            )[:2]
            lists["pair"] = [[1, 2], [3, "$channels"]]
            if len(lists["a"]) < 2:
                lists["a"] = ["relu", "selu"]
            if self.flip(0.3):
                lists["l"] = ["dense", "simple_rnn"] if self.flip(0.01) else ["add", "maximum"]
        layers: list[Step] = [{"dense": {"units": "$u", **({"activation": "$a"} if "a" in lists else {})}}]
        if "pair" in lists:
            layers.append({"dense": {"units": "$pair[0] + $pair[1]", "if": self.condition(replace(place, turns=True))}})
        layers.append({"dense": self.width})
        if "l" in lists:
            layers.append({"parallel": {"branches": [self.dense(place), []], "merge": "$l"}})
        if self.flip(0.3):
            layers.append({"dropout": "0.1 * $index"})
        return [{"repeat": {"each": lists, "layers": layers}}]

    def counted(self, place: Place) -> list[Step]:
        """`repeat: n` on one item, with every form of source."""
        count = self.random.choice([0, 1, 2, 3, "$index" if place.turns else 2, *place.ints])
        a = self.name(place)
        start = {"dense": {"units": self.width, "name": a}}
        turn = replace(place, turns=True)
        options = self.random.choice([
            {"dense": {"units": self.width, "repeat": count, "if": self.condition(turn)}},
            {"dense": {"units": self.width, "repeat": count, "from": a}},
            {"add": {"from": [a, "prev"], "repeat": count}},
            {"multi_head_attention": {"num_heads": 1, "key_dim": "$index + 1", "repeat": count, "from": {"query": "prev", "value": a}}},
            {"ops.add": {"from": {"x1": a, "x2": "prev"}, "repeat": count}},
            {"ops.multiply": {"x2": "0.5 + $index", "repeat": count}},
            {"residual": {"layers": [self.dense(place)], "repeat": count}},
            {"parallel": {"branches": [[], [self.dense(place)]], "merge": "add", "repeat": count, "if": self.condition(turn)}},
            {"repeat": {"times": count, "layers": [self.dense(place)], "if": self.condition(turn)}},
            {"dense": {"units": self.width, "repeat": self.random.choice([1, 2]), "name": self.name(place)}},
        ])  # fmt: skip
        key = next(iter(options))
        tail = [{"add": ["prev", options[key]["name"]]}] if "name" in options[key] and self.flip() else []
        return [start, self.dense(place), options, *tail]

    def nested(self, place: Place) -> list[Step]:
        """Repeats in repeats."""
        turn = replace(place, turns=True)
        inner = {"repeat": {"times": self.random.choice([2, "$index + 1", "$index", 1]), "layers": self.inner(turn)}}
        outer = [inner, self.dense(turn), {"dense": {"units": "$index + 1"}}, {"dense": self.width}]
        return [{"repeat": {"times": self.random.choice([0, 1, 2]), "layers": outer}}]

    # --- branches -------------------------------------------------------------------------------------------------

    def residual(self, place: Place) -> list[Step]:
        options: dict[str, Any] = {"layers": self.inner(place)}
        if self.flip():
            options["shortcut"] = self.inner(place) if self.flip() else []
        if self.flip(0.4):
            options["merge"] = self.random.choice(["multiply", "maximum", {"add": {"dtype": "float32"}}])
        keys = list(options)
        self.random.shuffle(keys)
        return [{"residual": {key: options[key] for key in keys}}]

    def parallel(self, place: Place) -> list[Step]:
        branches = [self.inner(place), self.dense(place), []][: self.random.randint(2, 3)]
        self.random.shuffle(branches)
        merge = self.random.choice(["add", "concatenate", {"concatenate": {"axis": -1}}, "average", "minimum"])
        after = [{"dense": self.width}] if "concatenate" in merge else []
        options: dict[str, Any] = {"merge": merge, "branches": branches}
        if self.flip():
            options = {"branches": branches, "merge": merge}
        return [{"parallel": options}, *after]

    def branches(self, place: Place) -> list[Step]:
        """Named branches, of which one is used later."""
        one, other = self.name(place), self.name(place)
        options = {
            "branches": {one: self.inner(place), other: self.random.choice([[], [self.dense(place)]])},
            "merge": "add",
        }
        return [
            {"parallel": options},
            *([{"subtract": ["prev", self.random.choice([one, other])]}] if self.flip(0.7) else []),
        ]

    def joined(self, place: Place) -> list[Step]:
        """Names in plain sequence."""
        one, other = self.name(place), self.name(place)
        conditional = {"if": self.condition(place)} if self.flip(0.3) else {}
        return [self.dense(place, name=one), {"dense": {"units": self.width, "from": "prev", "name": other}},
                {"ops.subtract": {"from": [other, one], **conditional}}]  # fmt: skip

    def none(self, place: Place) -> list[Step]:
        return [*self.wide(place), {"dense": {"units": 7, "repeat": 0}}, {"dense": {"units": self.width, "if": False}}]
