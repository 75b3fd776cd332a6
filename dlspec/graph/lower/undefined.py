"""``$names`` that nothing defines, found before anything is expanded, so that one mistake is one error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dlspec.core.errors import Diagnostic, Diagnostics, Note, Replacement, Span, did_you_mean, suggest, suggestions
from dlspec.core.tree import Invalid, Map, Seq, span_of, span_of_key
from dlspec.syntax.expressions import RESERVED

# `$params.width` is wrong and said to be so when it is read; what it means is `$width`.
_USE = re.compile(r"\$\$|\$\(|\$(?:params\.)?([A-Za-z][A-Za-z0-9_]*)|[A-Za-z_$][A-Za-z0-9_]*")

Use = tuple[str, Span | None, frozenset[str]]


def undefined_names(data: Map, diagnostics: Diagnostics) -> tuple[frozenset[str], frozenset[str]]:
    """Reports every ``$name`` without a definition, once.

    A name that almost equals a parameter nothing uses is taken for that parameter, which is renamed in `data`: the
    declaration is what was misspelt.

    Returns:
        The undefined names, and the top-level parameters that nothing uses.
    """
    if isinstance(data.get("params"), Invalid):  # reported; what it would have declared is unknown
        used = {name for value in data.values() for name, _, _ in _uses(value, frozenset())}
        return frozenset(used - set(RESERVED)), frozenset()
    params = _map(data.get("params"))
    undefined: set[str] = set()
    used_above: set[str] = set()
    for block in _map(data.get("blocks")).values():
        if isinstance(block, Map):
            own = _map(block.get("params"))
            uses = list(_uses(block, frozenset()))
            used_above |= {name for name, _, _ in uses if name not in own}
            undefined |= _settle(uses, [own, params], Diagnostics() if block.tainted else diagnostics)
    for model in _map(data.get("models")).values():
        if isinstance(model, Map) and model.tainted:  # what was taken from it may have declared them
            undefined |= _settle(list(_uses(model, frozenset())), [params], Diagnostics())
    uses = [use for key, value in data.items() if key != "blocks" for use in _uses(value, frozenset(), (data, key))]
    uses = [use for use in uses if use[0] not in undefined]
    uses += [(name, None, frozenset()) for name in used_above if name in params]
    undefined |= _settle(uses, [params], diagnostics)
    used = {name for name, _, _ in uses} | used_above
    return frozenset(undefined), frozenset(name for name in params if name not in used)


def _settle(uses: list[Use], scopes: list[Map], diagnostics: Diagnostics) -> set[str]:
    """Reports undefined names among `uses`; `scopes` are the parameters visible there, innermost first."""
    used = {name for name, _, _ in uses}
    undefined: dict[str, list[Span | None]] = {}
    visible = dict.fromkeys(name for scope in scopes for name in scope)
    for name, span, local in uses:
        if name not in RESERVED and name not in local and name not in visible:
            undefined.setdefault(name, []).append(span)
    unused = [declared for declared in scopes[0] if declared not in used]
    for name, spans in list(undefined.items()):
        if not diagnostics.helps("E302"):
            diagnostics.add(Diagnostic("E302", f"`${name}` is not defined", spans[0], "declare it under `params:`"))
            continue
        meant = suggest(name, unused)
        if meant is not None and not _inside(spans[0], span_of(scopes[0], meant)):
            diagnostics.add(_misspelt(name, spans, meant, span_of_key(scopes[0], meant)))
            scopes[0].rename(meant, name)
            unused.remove(meant)
            del undefined[name]
            continue
        notes = tuple(Note("used here as well", span) for span in spans[1:4])
        others = [known for known in visible if not _inside(spans[0], span_of(scopes[-1], known))]
        there = "; there are " + ", ".join(f"`{known}`" for known in others[:8]) if others else ""
        help = did_you_mean(name, others) if suggestions(name, others) else f"declare it under `params:`{there}"
        if isinstance(help, Replacement):
            help.also = tuple(span for span in spans[1:] if span is not None)
        diagnostics.add(Diagnostic("E302", f"`${name}` is not defined", spans[0], help, notes))
    return set(undefined)


def _misspelt(name: str, spans: list[Span | None], meant: str, declared: Span | None) -> Diagnostic:
    """A parameter and its uses that differ by a slip: used once, the use is wrong; used often, the declaration is."""
    if len(spans) == 1:
        note = (Note(f"`{meant}` is declared here and used nowhere", declared),)
        help = Replacement(f"did you mean `${meant}`?", name, meant, safe=True)
        return Diagnostic("E302", f"`${name}` is not defined", spans[0], help, note)
    text = f"parameter `{meant}` is used nowhere, and `${name}` is defined nowhere"
    notes = tuple(Note(f"`${name}` is used here", span) for span in spans[:3])
    return Diagnostic("E302", text, declared, Replacement(f"did you mean `{name}`?", meant, name, safe=True), notes)


def _inside(inner: Span | None, outer: Span | None) -> bool:
    if inner is None or outer is None:
        return False
    return outer[:3] <= inner[:3] and inner[3:5] <= outer[3:5]


def _uses(value: Any, local: frozenset[str], where: tuple[Any, Any] | None = None) -> Iterator[Use]:
    """Every ``$name`` in a value with its place and the names that repeats around it define."""
    if isinstance(value, Map):
        own = {*_map(value.get("each")), *_map(value.get("let"))} if "layers" in value else set()
        for key, item in value.items():
            yield from _uses(item, local | own if key in ("layers", "let") else local, (value, key))
    elif isinstance(value, Seq):
        for index, item in enumerate(value):
            yield from _uses(item, local, (value, index))
    elif isinstance(value, str) and "$" in value:
        span = span_of(*where) if where else None
        for match in _USE.finditer(value):
            if match.group(1):
                yield match.group(1), span, local


def _map(value: Any) -> Map:
    return value if isinstance(value, Map) else Map()
