"""``tune.py`` of a generated project: the same search with Keras Tuner."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING, Any

from dlspec.export.project.carried import carried
from dlspec.export.project.data import DataText
from dlspec.export.project.searched import Searched
from dlspec.export.project.train import TrainText
from dlspec.export.python.syntax import Unsupported, call, constant, sequence, text
from dlspec.export.python.templates import Code
from dlspec.graph.lower.space import Space
from dlspec.tuning.plan.plan import Plan
from dlspec.tuning.plan.spaces import listed, nearest, ordered

if TYPE_CHECKING:
    import jinja2

# Values of a range that are written one by one; of more, how they are computed.
_LISTED = 12
# Failed trials in a row after which the space counts as exhausted.
_FAILURES = 200


def render(
    plan: Plan,
    read: DataText,
    train: TrainText,
    searched: Searched,
    folder: str,
    label: str,
    templates: jinja2.Environment,
) -> str:
    """``tune.py`` without its imports.

    Args:
        plan: The checked search.
        read: What stands in ``data.py``.
        train: What stands in ``train.py``.
        searched: What is searched.
        folder: Where the data are, seen from the project.
        label: The spec's name.
        templates: Where the template is.

    Raises:
        Unsupported: Keras Tuner cannot do the search.
    """
    _require_supported(plan)
    context: dict[str, Any] = {
        "title": Code(f"Searches good parameters for the model {label}."),
        "imports": Code(""),
        **_searching(plan),
        "epochs": plan.epochs if "epochs" in train.arguments else None,
        "keep": train.keep,
        "distributed": train.distributed,
        "devices": train.devices,
        **_calls(plan, read, train, searched, folder),
    }
    template = templates.get_template("tune.py.jinja")
    draft = template.render({**context, "selects": False, "helpers": []})
    used = carried(draft, templates, context, ("Oracle",))
    return template.render({**context, "selects": "chosen(" in draft, "helpers": used})


def _require_supported(plan: Plan) -> None:
    tune = plan.tune
    if not tune.algorithm.tuner:
        raise Unsupported(f"the algorithm `{tune.algorithm.name}`")
    for word, limit in plan.limits.items():
        if limit is not None and word != "parameters":
            raise Unsupported(f"a limit of `{word}`, which Keras does not count")


def _searching(plan: Plan) -> dict[str, Any]:
    """What is searched, how, and when it ends."""
    tune = plan.tune
    return {
        "space": [Code(line) for line in _space(plan)],
        "conditional": bool(plan.conditions),
        "tuner": Code(tune.algorithm.tuner),
        "halving": tune.algorithm.halving,
        "own_oracle": tune.algorithm.tuner == "Tuner",
        "objective": tune.objective,
        "direction": "min" if plan.smaller else "max",
        "best": Code("min" if plan.smaller else "max"),
        "worst": Code("math.inf" if plan.smaller else "-math.inf"),
        "trials": plan.trials,
        "failures": max(_FAILURES, (plan.trials or 0) + 1),
        "trained_epochs": tune.epochs,
        "seconds": tune.seconds,
        "patience": tune.patience,
        "parameters": plan.limits["parameters"],
        "uses": _uses(plan),
        "seeded": tune.algorithm.seeded,
        "seed": tune.seed,
        "booleans": any(isinstance(value, bool) for space in plan.spaces.values() for value in space.values),
    }


def _calls(plan: Plan, read: DataText, train: TrainText, searched: Searched, folder: str) -> dict[str, Any]:
    """What is handed on to ``load()``, ``build_model()`` and ``train()``."""
    names = {word: searched.identifier(word) for word in searched.spaces}
    halving = plan.tune.algorithm.halving

    renamed = any(word != one for word, one in [*names.items(), *train.model.items()])
    everything = not halving and not renamed and not plan.usage.drawn

    def chosen(words: Mapping[str, str]) -> Code:
        """Expression of some of a trial's values, by the names of arguments."""
        if everything and list(words) == list(plan.spaces):
            return Code("values")
        return Code(f"chosen(values, {text(constant(dict(words) if renamed else tuple(words)))})")

    loaded = {word: names[word] for word in searched.needed(read.prepared_with)}
    trained = {word: names[word] for word in train.words}
    arguments = {word: value for word, value in train.arguments.items() if word != "epochs" or not halving}
    given = {} if loaded else {"parts": Code("dict[str, Part]")}
    given |= {"data": Code("Path")} if "data" in arguments or (loaded and read.reads_files) else {}
    given |= {"epochs": Code("int")} if "epochs" in arguments else {}
    reads = "load(arguments.data)" if read.reads_files else "load()"
    given |= {"strategy": Code("tf.distribute.Strategy")} if train.distributed else {}
    handed = {"parts": "parts", "data": "arguments.data", "epochs": "arguments.epochs", "strategy": "strategy"}
    results = ", ".join([*("_" for _ in train.models), "measures"])
    rounds = {"epochs": 'values["tuner/epochs"]'} if halving else {}
    passed = ", ".join(f"{word}={value}" for word, value in (rounds | arguments).items())
    fitted = f"{results} = train(parts, folder, {passed}{f', **{chosen(trained)}' if trained else ''})"
    return {
        "given": [Code(f"{word}: {kind}") for word, kind in given.items()],
        "searching": Code(", ".join(handed[word] for word in given)),
        "data_folder": folder if read.reads_files or "data" in arguments else None,
        "reads_files": read.reads_files,
        "load": None if loaded else Code(reads),
        "renamed": renamed,
        "loaded": chosen(loaded) if loaded else None,
        "loaded_parts": Code("parts, _" if read.prepared else "parts"),
        "modelled": chosen(train.model),
        "fitted": Code(f"with strategy.scope(): {fitted}" if train.distributed else fitted),
        "named": chosen({word: one for word, one in names.items() if word in {**trained, **loaded}}),
    }


def _uses(plan: Plan) -> list[dict[str, Any]]:
    """The parameters that are drawn at each use: their defaults, and what their uses are called."""
    drawn = plan.usage.drawn
    return [
        {"name": word, "default": plan.spaces[names[0]].default, "uses": tuple(names)}
        for word, places in drawn.items()
        if (names := list(places.values()))
    ]


# --- the space --------------------------------------------------------------------------------------------------------


def _space(plan: Plan) -> Iterator[str]:
    """Statements that declare the parameters, those of the same conditions together."""
    conditions = {word: tuple(plan.conditions.get(word, {}).items()) for word in plan.spaces}
    for scopes, words in groupby(ordered(plan.spaces, plan.conditions), key=lambda word: conditions[word]):
        heads = [
            text(call("hp.conditional_scope", [constant(parent), sequence([constant(one) for one in values], True)]))
            for parent, values in scopes
        ]
        if heads:
            yield f"with {', '.join(heads)}:"
        for word in words:
            made = text(_declared(word, plan.spaces[word], grid=plan.tune.algorithm.listing))
            yield f"    {made}" if heads else made


def _declared(word: str, space: Space, grid: bool) -> ast.expr:
    """One parameter: ``hp.Int("units", 8, 32, step=8)``."""
    low, high = space.values[0], space.values[-1]
    default = {"default": constant(space.default)}
    if space.head == "bool":
        return call("hp.Boolean", [constant(word)], default if space.default else {})
    if space.head == "choice":
        choices = sequence([constant(one) for one in space.values], as_list=True)
        return call("hp.Choice", [constant(word), choices], default if space.default != space.values[0] else {})
    bounds = [constant(word), constant(low), constant(high)]
    default = default if space.default != low else {}
    log = {"sampling": constant("log")} if space.log else {}
    if space.head == "int" and not space.log:
        # Keras Tuner's whole numbers are exact.
        step = {"step": constant(int(space.step))} if space.step not in (None, 1) else {}
        if (space.default - low) % int(space.step or 1) == 0:
            return call("hp.Int", bounds, {**step, **default})
    values = listed(space, grid)
    if values is None:
        return call("hp.Int" if space.head == "int" else "hp.Float", bounds, {**log, **default})
    # Keras Tuner's own ranges of floats miss the upper end now and then.
    chosen = nearest(values, space.default)
    return call(
        "hp.Choice",
        [constant(word), _values(values, space)],
        {} if chosen == values[0] else {"default": constant(chosen)},
    )


def _values(values: list[Any], space: Space) -> ast.expr:
    """A list of values; a long one as it is computed, where that gives the same."""
    plain = sequence([constant(one) for one in values], as_list=True)
    if len(values) <= _LISTED or space.log or space.step is None:
        return plain
    low, step = space.values[0], space.step
    for digits in range(1, 13):
        with suppress(OverflowError):
            if [round(low + number * step, digits) for number in range(len(values))] == values:
                source = f"[round({low!r} + number * {step!r}, {digits}) for number in range({len(values)})]"
                return ast.parse(source, mode="eval").body
    return plain
