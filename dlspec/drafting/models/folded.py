"""Items and blocks as the text of a spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dlspec.backends.importing.naming import Names, clean
from dlspec.backends.importing.steps import Body, Model, Out, Step, outs, replaced
from dlspec.backends.importing.writing import body_lines, inputs_of, previous, sections
from dlspec.drafting.models.blocks import Block, Blocks, lines_of
from dlspec.drafting.models.constants import share_constants
from dlspec.drafting.models.groups import JOINED_BY, PARALLEL, RESIDUAL, Grouper, Item, has_name
from dlspec.syntax.dumping import inline

_WIDTH = 120
# Items of a list on one line at most.
_ABREAST = 3
_PREVIOUS = "prev"


def folded_text(model: Model, head: list[str], expect: Mapping[str, Any] | None) -> str:
    """A spec in which what repeats is written once: blocks, repetitions, residual and parallel groups.

    Args:
        model: What it says.
        head: Comments at its top.
        expect: The section `expect`.
    """
    blocks = Blocks(Grouper(model.main).run())
    writer = _Writer(model.main, blocks.run())
    taken = {name for block in blocks.blocks for name in block.params}
    params = share_constants([blocks.main, *(block.items for block in blocks.blocks)], taken)
    lines = [*(f"# {line}" for line in head), f"name: {clean(model.name)}"]
    lines += [f"params: {inline(params)}"] if params else []
    lines += inputs_of(model.main, writer.names)
    lines += ["blocks:"] if blocks.blocks else []
    for block in blocks.in_order():
        lines += _block(block)
    if model.models:
        lines.append("models:")
    for name, body in model.models.items():
        inner = Names(body)
        lines += [f"  {name}:", *(f"    {line}" for line in body_lines(body, inner, inputs_of(body, inner)))]
    lines.append("layers:")
    for item in writer.data():
        lines += _expanded(item, "  ")
    outputs = writer.outputs()
    if outputs:
        lines.append(f"outputs: {inline(outputs if len(outputs) > 1 else outputs[0])}")
    return "\n".join([*lines, *sections(model, expect)]) + "\n"


def _block(block: Block) -> Iterator[str]:
    yield f"  {block.name}:"
    if block.params:
        params = (name if default is None else f"{name}: {inline(default)}" for name, default in block.params.items())
        yield f"    params: {{{', '.join(params)}}}"
    yield "    layers:"
    for item in block.items:
        yield from _expanded(plain(item), "      ")


class _Writer:
    """Writes the main list of a body.

    Attributes:
        names: Those of its steps.
    """

    def __init__(self, body: Body, items: list[Item]) -> None:
        self.body, self.items = body, items
        self.names = Names(body)
        self.wanted: set[int] = set()
        before = previous(body, 0)
        for item in items:
            if item.step is not None and not item.loose:
                self.wanted |= {out.step for out in self.asked(item, before)}
                if self.body.steps[item.step].outputs > 1:
                    self.wanted.add(item.step)
            before = self.out(item)
        if not self.ends:
            self.wanted |= {out.step for out in body.outputs if out.step >= 0}
        for step in sorted(self.wanted | set(self.named(items))):
            self.names.of_step(step)

    def named(self, items: list[Item]) -> Iterator[int]:
        """The steps whose names people gave, where these can stay."""
        for item in items:
            if has_name(item, self.body) and item.step is not None:
                yield item.step
            for branch in item.branches:
                yield from self.named(branch)

    @property
    def ends(self) -> bool:
        """Whether the last item gives the only output."""
        return self.body.outputs == [self.out(self.items[-1])] if self.items else False

    def out(self, item: Item) -> Out | None:
        """What an item gives, where that is one tensor."""
        return Out(item.step) if item.step is not None and self.body.steps[item.step].outputs == 1 else None

    def asked(self, item: Item, before: Out | None) -> Iterator[Out]:
        """The tensors that an item asks for by their names."""
        if item.branches or item.step is None:
            return
        for out in outs(self.body.steps[item.step].sources):
            if out != before and out.step >= 0:
                yield out

    def outputs(self) -> list[str]:
        """The names of the outputs, where the spec says them."""
        return [] if self.ends else [self.tensor(out, None) for out in self.body.outputs]

    def data(self) -> Iterator[Any]:
        """The items as plain data."""
        before = previous(self.body, 0)
        for item in self.items:
            yield self.item(item, before)
            before = self.out(item)

    def item(self, item: Item, before: Out | None) -> Any:
        more: dict[str, Any] = {}
        step = None if item.step is None else self.body.steps[item.step]
        if step is not None and item.step is not None:
            if item.step in self.wanted or has_name(item, self.body):
                more["name"] = self.own_names(step, item.step)
            if not item.loose and not item.branches and step.sources != before:
                more["from"] = replaced(step.sources, lambda out: self.tensor(out, before))
        return plain(item, more, self, None if item.key[:1].isupper() and item.opens else step)

    def own_names(self, step: Step, number: int) -> Any:
        """Names of all outputs of a step."""
        given = self.names.of_step(number)
        return given[0] if step.outputs == 1 else given

    def tensor(self, out: Out, before: Out | None) -> str:
        """A tensor by its name."""
        if out == before and out.step >= 0:
            return _PREVIOUS
        if out.step < 0:
            return self.names.of_input(-1 - out.step)
        return self.names.of(out)


def plain(
    item: Item, more: Mapping[str, Any] | None = None, writer: _Writer | None = None, step: Step | None = None
) -> Any:
    """An item as plain data.

    Args:
        item: The item.
        more: Its ``name`` and ``from``.
        writer: Knows the names of the items inside it.
        step: The step that it is, where it is one.
    """
    common = dict(more or {})
    if item.count != 1:
        common["repeat"] = item.count
    if item.branches:
        return _group(item, common, writer)
    options = {**item.options, **common}
    if not options:
        return item.key
    if list(options) == ["from"] and step is not None and step.lists and isinstance(options["from"], list):
        return {item.key: options["from"]}
    (first, value) = next(iter(options.items()))
    short = first == (step.shorthand if step else _shorthand(item))
    if (
        len(options) == 1
        and short
        and not isinstance(value, dict)
        and not (step and step.lists and isinstance(value, list | str))
    ):
        return {item.key: value}
    return {item.key: options}


def _shorthand(item: Item) -> str:
    """The option that a single value stands for: of a block its first parameter."""
    if item.key[:1].isupper():
        return next(iter(item.opens), "")
    from dlspec.components.registry import BUILT_IN

    owner = BUILT_IN.find("layer", item.key)
    return "" if owner is None else owner.shorthand


def _group(item: Item, common: dict[str, Any], writer: _Writer | None) -> Any:
    inner = [[writer.item(each, None) if writer else plain(each) for each in branch] for branch in item.branches]
    merge = item.merge
    if merge is None:
        return item.key
    joined = {merge.key: dict(merge.options)} if merge.options else merge.key
    if item.key != RESIDUAL:
        branches = [branch[0] if len(branch) == 1 else branch for branch in inner]
        further = {**({} if joined == JOINED_BY[PARALLEL] else {"merge": joined}), **common}
        return {item.key: {"branches": branches, **further} if further else branches}
    further = {**({} if joined == JOINED_BY[RESIDUAL] else {"merge": joined}), **common}
    sizes = [sum(lines_of(each) for each in branch) for branch in item.branches]
    shortcut = 0 if sizes[0] < sizes[1] else 1
    if not inner[1]:
        return {item.key: {"layers": inner[0], **further} if further else inner[0]}
    keys = ["shortcut", "layers"] if shortcut == 0 else ["layers", "shortcut"]
    return {item.key: {**dict(zip(keys, inner, strict=True)), **further}}


# --- lines ------------------------------------------------------------------------------------------------------------


def _expanded(value: Any, indent: str) -> Iterator[str]:
    """An item of a list over as many lines as it needs."""
    text = _on_one_line(value)
    if text is not None and len(indent) + 2 + len(text) <= _WIDTH:
        yield f"{indent}- {text}"
    elif isinstance(value, list):
        lines = [line for item in value for line in _expanded(item, indent + "  ")]
        yield f"{indent}- {lines[0].strip()}"
        yield from lines[1:]
    else:
        ((key, inside),) = value.items()
        if key in (RESIDUAL, PARALLEL):
            yield f"{indent}- {key}:"
            yield from _below(inside, indent + "    ")
        else:
            yield from _filled(f"{indent}- {key}: {{", inside)


def _filled(head: str, options: Mapping[str, Any]) -> Iterator[str]:
    """Options over as few lines as they need."""
    line, indent = head, " " * len(head)
    for number, (key, value) in enumerate(options.items()):
        piece = f"{key}: {inline(value)}" + ("}" if number == len(options) - 1 else ", ")
        if len(line) + len(piece.rstrip()) > _WIDTH and line.strip() and line != head:
            yield line.rstrip()
            line = indent
        line += piece
    yield line


def _below(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _expanded(item, indent)
        return
    for key, inside in value.items():
        text = _items_on_one_line(inside) if isinstance(inside, list) else inline(inside)
        if text is not None and len(indent) + len(key) + len(text) < _WIDTH:
            yield f"{indent}{key}: {text}"
        else:
            yield f"{indent}{key}:"
            yield from _below(inside, indent + "  ")


def _on_one_line(value: Any) -> str | None:
    """An item on one line; None for groups of many items."""
    if isinstance(value, list):
        return _items_on_one_line(value)
    if isinstance(value, dict):
        ((key, inside),) = value.items()
        if key in (RESIDUAL, PARALLEL):
            text = _items_on_one_line(inside) if isinstance(inside, list) else None
            return None if text is None else f"{key}: {text}"
        return f"{key}: {inline(inside)}"
    return inline(value)


def _items_on_one_line(items: list[Any]) -> str | None:
    texts = [_on_one_line(item) for item in items] if len(items) <= _ABREAST else [None]
    return None if None in texts else f"[{', '.join(str(text) for text in texts)}]"
