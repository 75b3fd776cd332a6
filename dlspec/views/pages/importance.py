"""``importance.html``: the columns that the answers of a run's model depend on, and how, as a page for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from dlspec.core.documents.importance import Dependence, Effect, Importance
from dlspec.views.pages.frames import rendered
from dlspec.views.pages.plots import FIRST, MARK, SECOND, Plot, clean, svg
from dlspec.views.pages.verdict import figure, less_is_better

PAGE_FILE, FACTS_FILE = "importance.html", "importance.json"
# Columns on the page and in the terminal; the file has all of them.
MOST = 40
_COLOURS = (FIRST, SECOND, MARK)
_LETTERS = 12


def importance_page(name: str, facts: Importance) -> str:
    """The page as text.

    Args:
        name: Of the spec.
        facts: What stands in ``importance.json``.
    """
    return rendered(
        "importance.html.jinja",
        name=name,
        facts=facts,
        measures=[("loss", figure(facts["loss"])), *_scores(facts)],
        looked=looked_at(facts),
        head=titles(facts),
        rows=list(_rows(facts)),
        left_out=max(0, len(facts["columns"]) - MOST),
        remarks=list(remarks(facts)),
        plots=[_plot(column, list(lines)) for column, lines in _by_column(facts["dependence"])],
    )


def looked_at(facts: Importance) -> str:
    """``the test split, 67 examples, each column shuffled 5 times``."""
    own = facts["part"] in ("train", "validation", "test")
    part = f"the {facts['part']} split" if own else facts["part"]
    of = f" of {facts['of']:,}" if facts["of"] > facts["rows"] else ""
    times = "once" if facts["repeats"] == 1 else f"{facts['repeats']} times"
    return f"{part}, {facts['rows']:,}{of} examples, each column shuffled {times}"


def titles(facts: Importance) -> list[tuple[str, str]]:
    """Titles of the table, with their CSS classes."""
    several = len(facts["scores"]) > 1
    scores = [
        f"{target} {score['measure']}" if several else score["measure"] for target, score in facts["scores"].items()
    ]
    return [("column", ""), *((title, "number") for title in ("loss", "least", "most", *scores))]


def cells(facts: Importance, index: int) -> list[str]:
    """A row of the table: by how much the loss rises, least and most, and how the scores change."""
    row = facts["columns"][index]
    loss = row["loss"]
    changes = [_change(effect, facts["scores"][target]["measure"]) for target, effect in row["scores"].items()]
    return [row["column"], *(signed(value) for value in (loss["mean"], loss["low"], loss["high"])), *changes]


def signed(value: float | None) -> str:
    """A number with its sign and four significant digits."""
    return "–" if value is None else "0" if not value else f"{'+' if value > 0 else '−'}{figure(abs(value))}"


def remarks(facts: Importance) -> Iterator[str]:
    """Sentences that qualify the figures."""
    unsure = [column["column"] for column in facts["columns"] if (column["loss"]["low"] or 0.0) <= 0]
    if unsure and len(unsure) < len(facts["columns"]):
        shown = ", ".join(f"`{name}`" for name in unsure[:8]) + (f" and {len(unsure) - 8} more" if unsure[8:] else "")
        do = "does" if len(unsure) == 1 else "do"
        yield f"The loss does not rise in every shuffle of {shown}: on these examples they {do} not clearly matter."
    elif unsure:
        yield "No column makes the loss rise in every shuffle: on these examples none of them clearly matters."
    yield "Columns that say the same share what they matter: while one is shuffled, the model still has the other."
    if facts["part"] == "train":
        yield "The model has seen these examples: what it knows by heart counts, too."


def _scores(facts: Importance) -> Iterator[tuple[str, str]]:
    several = len(facts["scores"]) > 1
    for target, score in facts["scores"].items():
        yield (f"{target} {score['measure']}" if several else score["measure"]), figure(score["value"])


def _change(effect: Effect, measure: str) -> str:
    """Change of the measure itself, as text: less is worse, but of an error more."""
    mean = effect["mean"]
    return signed(mean if mean is None or less_is_better(measure) else -mean)


def _rows(facts: Importance) -> Iterator[list[Any]]:
    most = max((column["loss"]["mean"] or 0.0 for column in facts["columns"]), default=0.0)
    for index, column in enumerate(facts["columns"][:MOST]):
        name, loss, *others = cells(facts, index)
        tenths = round(10 * max(column["loss"]["mean"] or 0.0, 0.0) / most) if most > 0 else 0
        yield [name, (loss, f"number meter t{tenths}"), *others]


# --- partial dependence -----------------------------------------------------------------------------------------------


def _by_column(lines: Sequence[Dependence]) -> Iterator[tuple[str, Iterator[Dependence]]]:
    """Dependence lines grouped by column, target by target."""
    for (column, _), group in groupby(lines, key=lambda line: (line["column"], line["target"])):
        yield column, group


def _plot(column: str, lines: list[Dependence]) -> Plot:
    categorical = isinstance(lines[0]["values"][0], str)

    def draw(axes: Any) -> None:
        places = range(len(lines[0]["values"])) if categorical else lines[0]["values"]
        for number, line in enumerate(lines):
            colour = _COLOURS[number] if len(lines) <= len(_COLOURS) else None
            means = [float("nan") if mean is None else mean for mean in line["means"]]
            axes.plot(
                places,
                means,
                "o" if categorical else "o-",
                markersize=4 if categorical else 2.5,
                label=clean(line["answer"]),
                **({"color": colour} if colour else {}),
            )
        if categorical:
            names = [clean(str(value)) or "(empty)" for value in lines[0]["values"]]
            axes.set_xticks(places, [name[:_LETTERS] for name in names], rotation=30 if len(names) > 3 else 0)
        axes.set_xlabel(clean(column))
        axes.set_ylabel(f"mean {'answer' if len(lines) > 1 else clean(lines[0]['answer'])}")
        if len(lines) > 1:
            axes.legend(loc="best", handlelength=1.2)

    target = lines[0]["target"]
    return Plot(f"{target} over {column}", svg(draw, "mean answer over the values of a column"))
