"""A page for each diagnostic code, and one that lists them."""

from __future__ import annotations

from dlspec.core.codes import CODES, FAMILIES, family, page
from docs.site.markdown import anchor


def pages() -> dict[str, str]:
    """Texts of the pages by their path in the site."""
    written = {f"codes/{name}.md": f"[Codes](index.md#{anchor(family(name))})\n\n{page(name)}" for name in CODES}
    return {"codes/index.md": _index(), **written}


def _index() -> str:
    lines = [
        "# Codes",
        "",
        f"Everything that dlspec finds wrong has a code, {len(CODES)} in all. `E…` and `Y…` are errors, `W…` are "
        "warnings. `dlspec explain E202` prints the page of one.",
    ]
    for title in FAMILIES.values():
        lines += ["", f"## {title}", "", "| Code | Says |", "|---|---|"]
        lines += [
            f"| [`{name}`]({name}.md) | {entry.title} |" for name, entry in CODES.items() if family(name) == title
        ]
    return "\n".join(lines) + "\n"
