"""Blocks and shared models of random specs, and their calls."""

# ruff: noqa: E501 (tables of specs in small)
from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.emit.random_structured import Place, Structured

Step = Any


def models(spec: Structured, place: Place) -> dict[str, Any]:
    """Models with one and with several inputs and outputs, and one that calls another."""
    shape = [4, spec.width]
    inside = replace(place, depth=1, models=(), flags=place.flags, names={"t"})
    found: dict[str, Any] = {"Tower": {"inputs": {"t": shape}, "layers": [*spec.body(inside, 1), spec.dense(inside)]}}
    if spec.flip():
        inside = replace(place, depth=1, models=("Tower",), names={"a", "keras", "p", "q"})
        layers = [{"add": ["a", "keras"]}, *spec.body(inside, 1), {"dense": {"units": "$width", "name": "p"}},
                  {"dense": {"units": spec.width, "from": "prev", "name": "q"}}]  # fmt: skip
        found["Twin"] = {
            "inputs": {"a": shape, "keras": {"shape": shape, "dtype": "float32"}},
            "layers": layers,
            "outputs": ["p", "q"],
        }
    if spec.flip():
        inside = replace(place, depth=1, models=("Tower",), names={"t"})
        found["Layers"] = {"inputs": {"t": shape}, "layers": [{"Tower": {"repeat": 2}}, *spec.body(inside, 1)]}
    return found


def _inside(place: Place, *names: str, **more: Any) -> Place:
    return replace(place, depth=1, turns=False, names=set(names), **more)


def blocks(spec: Structured, place: Place) -> dict[str, Any]:
    """One of each kind; all that is called is written before."""
    ints = (*place.ints, "$u")
    unit = _inside(place, ints=ints, acts=(*place.acts, "$act"), floats=(*place.floats, "$drop"))
    found: dict[str, Any] = {
        "Unit": {
            "params": {"u": "$channels", "act": "relu", "drop": spec.random.choice([0.1, "$rate", "$rate / 2"]), "reg": "l2"},
            "layers": [{"dense": {"units": "$u", "activation": "$act", "kernel_regularizer": "$reg"}}, {"dropout": "$drop"},
                       *spec.random.choice([[], spec.wide(unit)]), {"dense": spec.width}],
        },
    }  # fmt: skip
    spec.blocks = found
    found["Pair"] = _pair(spec, place)
    found["Held"] = {
        "params": {"kind": None, "merge": "add", "size": 2} if spec.flip() else {"kind": "identity", "merge": "add"},
        "layers": [{"parallel": {"branches": [[{"time_distributed": {"layer": "$kind"}}, {"dense": spec.width}], []], "merge": "$merge"}}],
    }  # fmt: skip
    found["Held"]["params"]["kind"] = {"dense": 3}
    lists = _inside(place, ints=(*place.ints, "$widths[0]"), lists=(*place.lists, "$widths"))
    found["Lists"] = {
        "params": {"widths": [2, 3], "rows": [[1, 2], [2, 3]], "more": "$widths + [2]", "last": "$widths[-1]"},
        "layers": [{"repeat": {"each": {"w": "$widths", "r": "$rows"}, "layers": [{"dense": {"units": "$w + $r[0]"}}, {"dense": "$r[1]"}]}},
                   {"repeat": {"each": {"m": "$more"}, "layers": [{"dense": "$m"}]}}, {"dense": "$last"}, {"dense": spec.width},
                   *spec.body(lists, 1)],
    }  # fmt: skip
    flags = _inside(place, ints=(*place.ints, "$a", "$b"), flags=(*place.flags, "$flag"), floats=("$drop",))
    found["Range"] = {
        "params": {"a": None, "flag": True, "b": "$a * 2", "c": "$top + $channels + $b", "d": None, "drop": 0.2},
        "layers": [{"dense": {"units": "$c", "if": "$flag"}}, {"dense": {"units": "$d if $d != null else 3"}}, {"dense": spec.width},
                   *spec.body(flags, 1)],
    }  # fmt: skip
    found["Range"]["params"]["a"] = spec.random.choice([2, "$half"])
    found["Hidden"] = {
        "params": {"rate": 0.3, "act": "relu", "deep": True},
        "layers": [{"dense": {"units": spec.width, "activation": "$act", "if": "$deep"}}, {"dropout": "$rate"}, "Unit",
                   {"repeat": {"each": {"width": [2, 3]}, "layers": [{"dense": "$width"}]}}, {"dense": spec.width}],
    }  # fmt: skip
    outer = _inside(place, "x", ints=(*place.ints, "$n"))
    found["Keras"] = {
        "params": {"n": 2, "act": "tanh"},
        "layers": [{"Unit": {"u": "$n", "act": "$act"}}, {"Unit": {"repeat": "$n"}}, {"Pair": {"from": ["input", "prev"], "name": ["x", "y"]}},
                   {"add": ["x", "y", "input"]}, *spec.body(outer, 1)],
    }  # fmt: skip
    return found


def _pair(spec: Structured, place: Place) -> dict[str, Any]:
    """Two inputs and two outputs."""
    inside = _inside(place, "a", "list", "c", "d", ints=(*place.ints, "$k"))
    layers: list[Step] = [{"add": ["a", "list"]}, *spec.body(inside, 1), {"dense": {"units": spec.width, "name": "c"}}]
    if spec.flip():
        layers.append({"weight": {"shape": [4, spec.width], "initializer": "ones", "name": "w"}})
        layers.append({"ops.multiply": ["c", "w"]})
    layers.append({"dense": {"units": spec.width, "name": "d", "from": "prev"}})
    return {"params": {"k": 2}, "inputs": ["a", "list"], "layers": layers, "outputs": ["c", "d"]}


def calls(spec: Structured, place: Place) -> list[Step]:
    """A call of a block or of a shared model."""
    known = [*(name for name in spec.blocks), *place.models]
    return _call(spec, place, spec.random.choice(known))


def _call(spec: Structured, place: Place, key: str) -> list[Step]:
    count = {"repeat": spec.random.choice([0, 1, 2])} if spec.flip(0.3) else {}
    condition = {"if": spec.condition(place)} if spec.flip(0.2) and key not in place.models else {}
    more = {**count, **condition}
    if key in ("Pair", "Twin"):
        a, b = spec.name(place), spec.name(place)
        first, second = ("a", "list") if key == "Pair" else ("a", "keras")
        source: Any = spec.random.choice([["prev", "prev"], {second: "prev", first: "prev"}])
        step = {key: {**({"k": spec.integer(place)} if key == "Pair" else {}), "from": source, "name": [a, b]}}
        return [step, spec.random.choice([{"add": [a, b]}, {"subtract": [b, a]}, {"multiply": ["prev", b]}])]
    options: dict[str, Any] = {}
    if key == "Unit":
        options = spec.random.choice([{}, {"u": spec.integer(place)}, {"u": 3, "act": spec.act(place)}, {"drop": spec.rate(place)},
                                      {"reg": {"l2": 0.01}}, {"reg": "l1"}])  # fmt: skip
        if not more and spec.flip(0.2):
            return [{"Unit": spec.integer(place)}]
    if key == "Held":
        options = spec.random.choice([{}, {"kind": "identity"}, {"kind": {"dense": spec.integer(place)}, "merge": "maximum"},
                                      {"merge": "multiply"}, {"kind": {"dense": {"units": 2, "activation": "relu"}}}])  # fmt: skip
    if key == "Lists":
        options = spec.random.choice(
            [{}, {"widths": [4, 1]}, {"widths": [spec.integer(place), 2]}, {"rows": [[1, 1], [3, 2]], "last": 4}]
        )
    if key == "Range":
        options = spec.random.choice([{}, {"d": 4}, {"a": spec.integer(place), "flag": False}, {"b": 3, "drop": spec.rate(place)},
                                      {"flag": spec.condition(place)}])  # fmt: skip
    if key == "Keras":
        options = spec.random.choice([{}, {"n": 1}, {"act": spec.random.choice(["relu", *place.acts])}])
    return [{key: {**options, **more}} if options or more else key]
