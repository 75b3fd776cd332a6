"""The gallery: for each spec of `specs/` its picture, its counts, what it reached, and its text."""

from __future__ import annotations

import re
from pathlib import Path

from dlspec.core.documents.model import Model
from dlspec.graph.facts import facts, text_table
from dlspec.passes import Checked, compile_spec
from dlspec.views.drawing import svg
from docs.site.markdown import anchor

FOLDERS = {
    "start": "First specs",
    "cnn": "Convolutional networks",
    "segmentation": "Segmentation",
    "recurrent": "Recurrent networks",
    "attention": "Attention",
    "sequence": "Sequences and languages",
    "autoencoders": "Autoencoders",
    "generative": "Pictures that are drawn",
    "energy": "Energy models",
    "embeddings": "Embeddings",
    "learning": "Few labels, or none",
    "linear": "One layer",
    "optimization": "Ways to train",
    "studies": "Studies",
    "looking": "What an answer follows from",
}
_ROW = re.compile(r"^\| `(\w+)/(\w+)\.yaml` \| (.*) \| (.*) \|$", re.MULTILINE)


def pages(root: Path) -> dict[str, str]:
    """Texts of the pages and pictures by their path in the site."""
    reached = {
        f"{folder}/{name}": (shows, result)
        for folder, name, shows, result in _ROW.findall((root / "docs/gallery.md").read_text(encoding="utf-8"))
    }
    written: dict[str, str] = {}
    cards: dict[str, list[str]] = {folder: [] for folder in FOLDERS}
    for path in sorted((root / "specs").glob("*/*.yaml")):
        state = compile_spec(path)
        if not isinstance(state, Checked):
            raise ValueError(f"{path} does not check: {[str(item.code) for item in state.diagnostics.items]}")
        key = f"{path.parent.name}/{path.stem}"
        model = facts(state.training_graph, state.name, state.adapted)
        shows, result = reached.get(key, ("", ""))
        written[f"gallery/{key}.svg"] = svg(state.training_graph, state.name, "")
        written[f"gallery/{key}.md"] = _page(key, path.read_text(encoding="utf-8"), model, shows, result)
        cards[path.parent.name].append(_card(key, model, shows))
    return {"gallery/index.md": _index(cards), **written}


def linked(text: str) -> str:
    """The page of results with each spec leading to its page."""
    return _ROW.sub(r"| [`\1/\2.yaml`](gallery/\1/\2.md) | \3 | \4 |", text)


def _counts(model: Model) -> str:
    numbers = model["parameters"]
    return f"{numbers['total']:,} parameters"


def _index(cards: dict[str, list[str]]) -> str:
    count = sum(len(items) for items in cards.values())
    lines = [
        "# Gallery",
        "",
        f"The {count} specs of the folder `specs/`, drawn by `dlspec show --svg`. "
        "[What they learnt](../gallery.md) has the figures of whole trainings.",
    ]
    for folder, items in cards.items():
        lines += ["", f"## {FOLDERS[folder]}", "", '<div class="cards" markdown>', "", *items, "</div>"]
    return "\n".join(lines) + "\n"


def _card(key: str, model: Model, shows: str) -> str:
    name = key.partition("/")[2]
    says = f"<br>{shows}" if shows else ""
    return (
        f'<div class="card" markdown>\n\n[![Picture of {name}]({key}.svg){{loading=lazy}}]({key}.md)\n\n'
        f"[**{name}**]({key}.md)<br>{_counts(model)}{says}\n\n</div>\n"
    )


def _page(key: str, text: str, model: Model, shows: str, result: str) -> str:
    folder, _, name = key.partition("/")
    lines = [f"[Gallery](../index.md#{anchor(FOLDERS[folder])})", "", f"# {name}", ""]
    lines += [f"Shows: {shows}.", ""] if shows else []
    lines += [f"Reached: {result}.", ""] if result else []
    lines += [f"[![Picture of the model]({name}.svg)]({name}.svg)", "", "## Layers", ""]
    lines += ["```text", text_table(model), "```", "", "## Spec", ""]
    lines += [f"`specs/{key}.yaml`", "", "```yaml", text.rstrip("\n"), "```", ""]
    return "\n".join(lines)
