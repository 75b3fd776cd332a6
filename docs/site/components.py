"""The catalogue of components as pages: layers by family, all other kinds on a page each."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dlspec.components import registry
from dlspec.components.registry import Component
from dlspec.core.documents.printed_components import ComponentFacts, LayerInputs, Option
from dlspec.views import catalogue
from docs.site.markdown import anchor


def pages() -> dict[str, str]:
    """Texts of the pages by their path in the site."""
    written = {f"components/{kind}.md": _kind_page(kind) for kind in registry.kinds() if kind != "layer"}
    families = _families()
    for family, owners in families.items():
        written[f"components/layers-{family}.md"] = _page(catalogue.title(owners[0].__module__), owners, "Layers")
    return {"components/index.md": _index(families), **written}


def menu() -> list[str | dict[str, str]]:
    """Entries of the menu: the list of all, and every page under a name of one or two words."""
    layers = [{family.replace("_", " "): f"components/layers-{family}.md"} for family in sorted(_families())]
    kinds = [{f"kind {kind}": f"components/{kind}.md"} for kind in registry.kinds() if kind != "layer"]
    return ["components/index.md", *layers, *kinds]


def _families() -> dict[str, list[type[Component]]]:
    """Layers by the file that declares them."""
    families: dict[str, list[type[Component]]] = {}
    for owner in catalogue.components("layer"):
        families.setdefault(catalogue.facts(owner)["family"], []).append(owner)
    return dict(sorted(families.items(), key=lambda item: catalogue.title(item[1][0].__module__)))


def _index(families: dict[str, list[type[Component]]]) -> str:
    kinds = [kind for kind in registry.kinds() if kind != "layer"]
    lines = [
        "# Components",
        "",
        "Everything that a spec can name, from the declarations by which specs are checked. `dlspec layers` prints the "
        "same.",
        "",
        "## Layers",
        "",
        "| Family | Layers |",
        "|---|---|",
    ]
    for family, owners in families.items():
        page = f"layers-{family}.md"
        names = ", ".join(f"[`{owner.registered_name}`]({page}#{_anchor(owner)})" for owner in owners)
        lines.append(f"| [{catalogue.title(owners[0].__module__)}]({page}) | {names} |")
    lines += ["", "## Other kinds", "", "| Kind | Components |", "|---|---|"]
    for kind in kinds:
        names = ", ".join(
            f"[`{owner.registered_name}`]({kind}.md#{_anchor(owner)})" for owner in catalogue.components(kind)
        )
        lines.append(f"| [{kind}]({kind}.md) | {names} |")
    return "\n".join(lines) + "\n"


def _anchor(owner: type[Component]) -> str:
    return anchor(owner.registered_name)


def _kind_page(kind: str) -> str:
    return _page(f"Components of the kind {kind}", catalogue.components(kind), "Other kinds")


def _page(title: str, owners: Iterable[type[Component]], group: str) -> str:
    lines = [f"[Components](index.md#{anchor(group)})", "", f"# {title}"]
    for owner in owners:
        lines += ["", *_component(catalogue.facts(owner))]
    return "\n".join(lines) + "\n"


def _component(facts: ComponentFacts) -> list[str]:
    lines = [f"## `{facts['name']}`", "", _plain(facts["meaning"])]
    for paragraph in filter(None, facts["description"].split("\n\n")):
        lines += ["", _plain(" ".join(paragraph.split()))]
    known = [f"Keras: `{facts['keras']}`"] if facts["keras"] else []
    known += [f"Also called {', '.join(f'`{name}`' for name in facts['aliases'])}"] if facts["aliases"] else []
    known += [f"Takes {_inputs(facts['inputs'])}"] if facts["inputs"] else []
    if facts["shorthand"]:
        known.append(f"`{facts['name']}: VALUE` is short for `{facts['name']}: {{{facts['shorthand']}: VALUE}}`")
    if known:
        lines += ["", *(f"- {item}" for item in known)]
    if facts["examples"]:
        bullet = "- " if facts["kind"] == "layer" else ""
        lines += ["", "```yaml"]
        for example in facts["examples"]:
            takes = ", ".join(catalogue.flow(shape) for shape in example["inputs"])
            lines += [f"{bullet}{example['yaml']}" + (f"  # takes {takes}" if takes else "")]
        lines.append("```")
    if facts["options"]:
        lines += ["", "| Option | Value | Default | Meaning |", "|---|---|---|---|", *map(_option, facts["options"])]
    return lines


def _option(option: Option) -> str:
    default = "required" if option["required"] else f"`{catalogue.flow(option['default'])}`"
    value = _plain(option["value"])
    kind = option["component"]
    if kind in registry.kinds() and kind != "layer":
        value = f"[{value}]({kind}.md)"
    cells = (f"`{option['name']}`", value, default, _plain(option["meaning"]))
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _inputs(inputs: LayerInputs) -> str:
    if inputs["list"]:
        least, most = inputs["minimum"], inputs["maximum"]
        count = f"{least}" if least == most else f"{least} to {most}" if most else f"at least {least}"
        return f"a list of {count} tensors"
    names = [f"`{name}`" for name in inputs["arguments"] if name not in inputs["optional"]]
    more = f"; also {', '.join(f'`{name}`' for name in inputs['optional'])}" if inputs["optional"] else ""
    return ("nothing" if not names else "one tensor" if len(names) == 1 else ", ".join(names)) + more


def _cell(text: str) -> str:
    """A text inside a table: a bar would end its cell."""
    return text.replace("|", "&#124;") if "`" not in text else text.replace(" | ", " or ").replace("|", "\\|")


def _plain(text: str) -> str:
    """A sentence of a docstring as Markdown: signs of HTML stand for themselves outside of code."""
    parts = re.split(r"(`[^`]*`)", text.replace("``", "`"))
    return "".join(part if part.startswith("`") else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    for sign, written in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ("*", "\\*"),
        ("_", "\\_"),
        ("[", "\\["),
        ("]", "\\]"),
    ):
        text = text.replace(sign, written)
    return text
