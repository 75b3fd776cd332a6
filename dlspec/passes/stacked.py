"""Compiles the members of a stacking: specs whose answers enter this one, and which have its data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from dlspec.components.methods.kept import raw_input
from dlspec.components.methods.stacking import Stacking
from dlspec.components.registry import name_and_value
from dlspec.components.registry.component import describe
from dlspec.core.errors import Problem, leave_out
from dlspec.core.tree import Invalid, Map, Seq, span_of, span_of_key
from dlspec.passes.state import Bound, Checked, Lent, Trainable, step
from dlspec.semantics.evaluate import evaluate_plain
from dlspec.semantics.loading import load_spec
from dlspec.syntax.dumping import dump
from dlspec.syntax.expressions import substitute, unescape

# Keys of `data` that all members have in common with the spec that combines their answers.
_SHARED = ("source", "targets", "split", "weight")
_STACKING = Stacking.registered_name
# What a spec that stacks cannot say: the answers of its members enter.
_OF_INPUTS = ("inputs", "sources", "examples")


@step(requires=Bound, sets=("stacked",))
def stacked(state: Bound) -> None:
    """One checked spec for each member; a file that several of them name is compiled once."""
    if not _stacks(state.data.get("train")):
        return
    state.stacked = {}
    written, section = _members(state.data["train"]), state.data.get("data")
    if written is None or not isinstance(section, Map) or section.tainted or isinstance(section.get("source"), Invalid):
        return
    before = len(state.diagnostics.errors)
    for key in _OF_INPUTS:
        if key in section:
            message = f"`{key}` of `data` has no effect: the answers of the members enter this model"
            state.add("E568", message, span_of_key(section, key), leave_out(key))
            section.drop(key)  # what is wrong in it is no further mistake
    lent = {key: _lent(state, section, key) for key in _SHARED}
    known: dict[str, Trainable | None] = {}
    compiled: dict[str, Trainable] = {}
    for name, member in written.items():
        text = dump(member)
        if text not in known:
            known[text] = _compiled(state, _Member(name, member, span_of(written, name)), lent, written)
        if (other := known[text]) is not None:
            compiled[name] = other
    if len(state.diagnostics.errors) == before:
        _check_inputs(state, compiled, written)
    if len(state.diagnostics.errors) == before:
        state.stacked = compiled


class _Member(NamedTuple):
    """A member as it is written: its name, a file or a spec, and where that stands."""

    name: str
    written: Any
    span: Any


def _stacks(train: Any) -> bool:
    """Whether a section `train` names a stacking."""
    chosen = train.get("method") if isinstance(train, Map) else None
    return isinstance(chosen, Map | str) and name_and_value(chosen)[0] == _STACKING


def _members(train: Map) -> Map | None:
    """The specs that a section `train` stacks, by name; None where they are wrong."""
    chosen = train["method"]
    options = chosen[_STACKING] if isinstance(chosen, Map) else None
    members = options.get("members") if isinstance(options, Map) else None
    if not isinstance(members, Map) or members.tainted or any(isinstance(each, Invalid) for each in members.values()):
        return None
    return members


def _lent(state: Bound, section: Map, key: str) -> Lent | None:
    """A key of `data` as members get it, with the values of parameters of this spec."""
    if key not in section:
        return None
    return Lent(_settled(section[key], state), span_of_key(section, key), span_of(section, key))


def _settled(value: Any, state: Bound) -> Any:
    """A value without the names of parameters, which members do not know."""
    if isinstance(value, Map):
        made = Map(value.span)
        for key, item in value.items():
            made.put(key, _settled(item, state), value.key_spans.get(key), value.value_spans.get(key))
        return made
    if isinstance(value, Seq):
        items = Seq(value.span)
        items.extend(_settled(item, state) for item in value)
        items.item_spans = list(value.item_spans)
        return items
    if not isinstance(value, str) or "$" not in value or unescape(value) is not None:
        return value
    try:
        return evaluate_plain(value, state.environment)
    except Problem:  # no expression, but a text that holds some
        try:
            return substitute(value, state.environment.lookup)
        except Problem:
            return value  # which is told where this spec evaluates it


def _compiled(state: Bound, member: _Member, lent: Mapping[str, Lent | None], written: Map) -> Trainable | None:
    """The checked spec of a member; None after an error. A file becomes part of `written`, as runs keep it."""
    assert state.compile_other is not None
    workspace = state.workspace
    if isinstance(member.written, str):
        path = state.folder / member.written
        problem = _away(member.written, state)
        if problem is not None:
            state.diagnostics.add(problem.at(member.span))
            return None
    else:
        path = state.path.with_name(f"{state.path.stem}.{member.name}.yaml")
        workspace = replace(workspace, texts={path: dump(_each(member.written, "$$", "$"))})
    own = load_spec(path, (), workspace).data
    if own is not None and _stacks(own.get("train")):  # it may name itself
        message = f"member `{member.name}` is trained by `{_STACKING}` itself, and a member is a single training"
        state.add("E567", message, member.span, "name the specs that it stacks")
        return None
    if own is not None and "train" not in own:
        help = "write `train` in its spec: each member is trained by itself"
        state.add("E567", f"member `{member.name}` has no `train`", member.span, help)
        return None
    workspace = replace(workspace, folder=state.folder)
    other = state.compile_other(path, (), workspace, lent=lent)
    state.diagnostics.extend(item for item in other.diagnostics.items if item not in state.diagnostics.items)
    state.texts.update({name: text for name, text in other.texts.items() if name not in state.texts})
    if not isinstance(other, Checked) or other.diagnostics.errors:
        return None
    for reason, help in _unfit(other, state.data["data"]):
        state.add("E567", f"member `{member.name}` {reason}", member.span, help)
        return None
    if own is not None:
        _warn_of_others(state, member, own.get("data"), lent)
        if isinstance(member.written, str):
            _take_in(written, member.written, own)
    return other.trainable("a stacking")


def _away(path: str, state: Bound) -> Problem | None:
    """Why the file of a member cannot be read."""
    from dlspec.data.sources.paths import locate

    try:
        locate(path, state.folder, allow_outside=state.allow_outside)
    except Problem as problem:
        return problem
    return None


def _take_in(written: Map, file: str, data: Map) -> None:
    """Writes a member's spec in place of its file, for all members that name the file."""
    for name, value in written.items():
        if value == file:
            written.put(name, _each(data, "$", "$$"), written.key_spans.get(name), written.value_spans.get(name))


def _each(value: Any, old: str, new: str) -> Any:
    """A copy with another sign in all texts: the names of a member's parameters mean nothing in this spec."""
    if isinstance(value, Map):
        made = Map(value.span)
        for key, item in value.items():
            made.put(key, _each(item, old, new), value.key_spans.get(key), value.value_spans.get(key))
        return made
    if isinstance(value, list):
        items = Seq()
        items.extend(_each(item, old, new) for item in value)
        return items
    return value.replace(old, new) if isinstance(value, str) else value


def _unfit(other: Checked, shared: Map) -> Iterator[tuple[str, str]]:
    """Why the answers of a checked spec cannot enter another model, each with a help."""
    data, method, targets = other.data_section, other.method, shared.get("targets")
    assert method is not None and data is not None, "a spec with `train` and these data has both"
    if method.study is not None:
        yield f"is trained by `{method.study.name}` itself, and a member is a single training", "leave out its `method`"
    if data.inputs is None:
        yield "does not say what enters it", "write `inputs` in `data` of its spec, each with its columns"
    names = [name for name, _ in other.graph.outputs]
    if len(names) != 1 or (isinstance(targets, Map) and len(targets) != 1):
        listed = ", ".join(f"`{name}`" for name in names)
        yield f"answers {listed}: a stacking combines the answers to one target", "leave one target, and one output"
    if method.turns or method.averages or data.maker is not None or other.generator is not None:
        yield "minimises tensors, makes examples or writes sequences", "take a spec that compares outputs with targets"


def _warn_of_others(state: Bound, member: _Member, own: Any, lent: Mapping[str, Lent | None]) -> None:
    """W618: the member's own spec has other data, which do not count here."""
    for key in _SHARED if isinstance(own, Map) else ():
        given = lent[key]
        if key in own and own[key] != (given.value if given is not None else None):
            message = f"`{key}` of member `{member.name}` does not count here: members have that of the stacking"
            state.add("W618", message, span_of_key(own, key), f"make both alike, or leave `{key}` out there")


def _check_inputs(state: Bound, compiled: Mapping[str, Trainable], written: Map) -> None:
    """Inputs of one name are the same for all members (E567), and those of this spec are the members (E568)."""
    raw: dict[str, tuple[str, str]] = {}
    for name, member in compiled.items():
        for called, feature in member.data_section.features.items():
            entering = describe(raw_input(feature).given)
            first, known = raw.setdefault(called, (name, entering))
            if known != entering:
                message = f"members `{first}` and `{name}` both have an input `{called}`, of other columns"
                help = f"call it otherwise in one of them; an input `{called}` of both has the same columns"
                state.add("E567", message, span_of_key(written, name), help)
    given = state.data.get("inputs")
    if isinstance(given, Map) and not given.tainted and set(given) != set(compiled):
        names = ", ".join(f"`{name}`" for name in compiled)
        message = f"the inputs of this spec are its members, which are {names}"
        state.add(
            "E568", message, span_of_key(state.data, "inputs"), "leave `inputs` out: the members say what they are"
        )


def stacking_files(state: Trainable) -> dict[str, str]:
    """The spec of each member of a stacking, as its folder keeps it, by the name of its file."""
    study = state.method.study
    return {study.file_of(name): dump(member.data) for name, member in (state.stacked or {}).items()}
