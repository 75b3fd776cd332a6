"""Plots as SVG by matplotlib: small, in the page's own colours and font, so that they follow light and dark."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

# matplotlib knows no CSS variables: it draws in these colours, and each is then replaced by a variable.
INK, SOFT, LINE, FIRST, SECOND, MARK = (f"#0{n}0{n}0{n}" for n in range(1, 7))
_VARIABLES = {INK: "ink", SOFT: "soft", LINE: "line", FIRST: "first", SECOND: "second", MARK: "mark"}
_WIDTH, _HEIGHT = 4.6, 2.7  # inches, of 72 units each: readable on a phone, and two of them beside each other
_DOTS = 800
# Classes that colours tell apart.
_COLOURED = 10
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "dlspec",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": SOFT,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "grid.color": LINE,
    "grid.alpha": 0.35,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot.

    Attributes:
        title: What it shows.
        svg: The ``svg`` element.
    """

    title: str
    svg: str


def preload() -> None:
    """Imports matplotlib: half a second that a thread can spend while a model trains."""
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401


def curve(name: str, train: Sequence[float | None], validation: Sequence[float | None], best: int | None) -> Plot:
    """A measure over the epochs, from 1; the kept epoch is marked."""

    def draw(axes: Any) -> None:
        epochs = range(1, len(train) + 1)
        few = "o" if len(train) < 3 else ""
        axes.plot(epochs, _gaps(train), color=FIRST, label="training", marker=few, markersize=3)
        if any(value is not None for value in validation):
            axes.plot(epochs, _gaps(validation), color=SECOND, label="validation", marker=few, markersize=3)
        if best is not None:
            axes.axvline(best, color=MARK, linewidth=1, linestyle=(0, (3, 3)))
            for values, colour in ((train, FIRST), (validation, SECOND)):
                if best <= len(values) and values[best - 1] is not None:
                    axes.plot([best], [values[best - 1]], "o", color=colour, markersize=4.5)
            axes.plot([], [], color=MARK, linewidth=1, linestyle=(0, (3, 3)), label=f"kept: epoch {best}")
        positive = [value for value in (*train, *validation) if value is not None and value > 0]
        if "loss" in name and len(positive) > 2 and max(positive) > 20 * min(positive):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.minorticks_off()
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="best", handlelength=1.6)

    return Plot(name, svg(draw, f"{name} over the epochs"))


def predicted_against_true(true: Array, guess: Array) -> Plot:
    """A dot per example; on the line they would be right."""

    def draw(axes: Any) -> None:
        low, high = min(true.min(), guess.min()), max(true.max(), guess.max())
        axes.plot([low, high], [low, high], color=MARK, linewidth=1, linestyle=(0, (3, 3)))
        axes.scatter(*_some(true, guess), s=9, color=FIRST, alpha=0.55, linewidths=0)
        axes.set_xlabel("true")
        axes.set_ylabel("predicted")

    return Plot("Predicted against true", svg(draw, "predicted against true values"))


def residuals(true: Array, guess: Array) -> Plot:
    """Histogram of the errors."""

    def draw(axes: Any) -> None:
        error = guess - true
        axes.hist(error, bins=min(40, max(8, int(len(error) ** 0.5))), color=FIRST, alpha=0.8)
        axes.axvline(0, color=MARK, linewidth=1, linestyle=(0, (3, 3)))
        axes.set_xlabel("predicted minus true")
        axes.set_ylabel("examples")

    return Plot("Residuals", svg(draw, "histogram of residuals"))


def residuals_over(guess: Array, true: Array) -> Plot:
    """Whether errors depend on the size of the prediction."""

    def draw(axes: Any) -> None:
        axes.axhline(0, color=MARK, linewidth=1, linestyle=(0, (3, 3)))
        shown, error = _some(guess, guess - true)
        axes.scatter(shown, error, s=9, color=SECOND, alpha=0.55, linewidths=0)
        axes.set_xlabel("predicted")
        axes.set_ylabel("predicted minus true")

    return Plot("Residuals over predictions", svg(draw, "residuals over predictions"))


def shares(true: Array, share: Array, names: Sequence[str]) -> Plot:
    """Histograms of the given probability of yes, for the examples of both classes."""

    def draw(axes: Any) -> None:
        import numpy as np

        bins = np.linspace(0, 1, 21)
        axes.hist(share[true == 0], bins=bins, color=SECOND, alpha=0.7, label=clean(names[0]))
        axes.hist(share[true == 1], bins=bins, color=FIRST, alpha=0.7, label=clean(names[1]))
        axes.axvline(0.5, color=MARK, linewidth=1, linestyle=(0, (3, 3)))
        axes.set_xlabel(f"probability given to “{clean(names[1])}”")
        axes.set_ylabel("examples")
        axes.legend(loc="best", handlelength=1.2)

    return Plot("Probabilities by true class", svg(draw, "histogram of probabilities by true class"))


def roc(true: Array, share: Array) -> Plot:
    """Hits against false alarms for every threshold."""
    import numpy as np

    order = np.argsort(-share, kind="stable")
    last = np.append(np.diff(share[order]) != 0, True)  # equal probabilities cross the threshold together
    hits = np.cumsum(true[order] == 1)[last] / max((true == 1).sum(), 1)
    alarms = np.cumsum(true[order] == 0)[last] / max((true == 0).sum(), 1)
    keep = np.unique(np.linspace(0, len(hits) - 1, _DOTS).astype(int))
    return roc_of(np.r_[0, alarms[keep]], np.r_[0, hits[keep]])


def roc_of(alarms: Array, hits: Array) -> Plot:
    """The ROC curve through these points."""

    def draw(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=MARK, linewidth=1, linestyle=(0, (3, 3)))
        axes.plot(alarms, hits, color=FIRST)
        axes.set_xlabel("false alarms")
        axes.set_ylabel("hits")

    return Plot("Hits and false alarms (ROC)", svg(draw, "receiver operating characteristic"))


def reliability(figures: Mapping[str, Any], name: str) -> Plot:
    """How often what is given with a probability comes true, a dot for each bin, with its interval; on the line they
    would be equal.

    Args:
        figures: Of :class:`dlspec.views.pages.reliability.Reliability`.
        name: Of what is given the probability.
    """

    def draw(axes: Any) -> None:
        import numpy as np

        axes.plot([0, 1], [0, 1], color=MARK, linewidth=1, linestyle=(0, (3, 3)))
        before = figures.get("before", {}).get("bins", [])
        if before:
            points = [(row["probability"], row["share"]) for row in before]
            axes.plot(*np.array(points).T, "o-", color=SECOND, markersize=3, linewidth=1, label="before calibration")
        given, share = np.array([(row["probability"], row["share"]) for row in figures["bins"]]).T
        reach = np.abs(np.array([row["interval"] for row in figures["bins"]]).T - share)
        label = "after" if before else None
        axes.errorbar(given, share, reach, color=FIRST, fmt="o-", markersize=4, elinewidth=0.8, label=label)
        axes.set_xlabel(f"probability given to {name}")
        axes.set_ylabel("how often it is true")
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        if before:
            axes.legend(loc="best", handlelength=1.6)

    return Plot("Reliability", svg(draw, "probabilities against how often they come true"))


def norms(epochs: Sequence[int], layers: Mapping[str, Sequence[float | None]]) -> Plot:
    """The norm of the gradient of each layer over the epochs, from dark to bright on the way to the output."""

    def draw(axes: Any) -> None:
        import matplotlib as mpl

        colours = mpl.colormaps["viridis"]
        for number, (name, values) in enumerate(layers.items()):
            colour = colours(number / max(len(layers) - 1, 1) * 0.9)
            label = clean(name) if len(layers) <= _COLOURED or number in (0, len(layers) - 1) else None
            axes.plot(epochs, _gaps(values), "o-", color=colour, markersize=2.5, linewidth=1.2, label=label)
        if any(value for values in layers.values() for value in values):
            axes.set_yscale("log")
        axes.set_xlabel("epoch")
        axes.set_ylabel("norm of the gradient")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1)

    return Plot("Gradients of layers", svg(draw, "norms of gradients over the epochs", height=3.6, right=1.3))


def plane(points: Array, classes: Sequence[str], of_class: Sequence[int], components: bool) -> Plot:
    """A dot for each example, in the colour of its class.

    Args:
        points: Shape [examples, 2].
        classes: Names of the classes.
        of_class: The class of each example; empty where none are known.
        components: Whether the axes are principal components.
    """

    def draw(axes: Any) -> None:
        import matplotlib as mpl
        import numpy as np

        numbers = np.array(of_class)
        many = len(classes) > _COLOURED
        colours = mpl.colormaps["tab10"](range(_COLOURED))
        for number, name in enumerate(classes if not many else ()):
            chosen = points[numbers == number]
            axes.scatter(*chosen.T, s=9, color=colours[number], alpha=0.75, linewidths=0, label=clean(name))
        if many or not classes:
            axes.scatter(*points.T, s=9, c=numbers if many else FIRST, cmap="viridis" if many else None, linewidths=0)
        else:
            axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.1)
        axes.set_xlabel("first component" if components else "first number")
        axes.set_ylabel("second component" if components else "second number")

    return Plot("Map", svg(draw, "map of an output, a dot for each example", height=3.6, right=0.75))


def matrix(counts: Array) -> Plot:
    """The confusion matrix of many classes, as shades."""

    def draw(axes: Any) -> None:
        import numpy as np

        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        axes.grid(False)

    return Plot("Confusion matrix", svg(draw, "confusion matrix", height=4.4))


def _gaps(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _some(*columns: Array) -> tuple[Array, ...]:
    """At most so many dots that the page stays small; those that stay are chosen evenly."""
    import numpy as np

    rows = np.linspace(0, len(columns[0]) - 1, min(_DOTS, len(columns[0]))).astype(int)
    return tuple(column[rows] for column in columns)


def clean(text: str) -> str:
    """Text as a legend can take it: short, in one line, and not beginning with `_`, which hides it."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return (text if len(text) <= 24 else text[:23] + "…").lstrip("_")


@contextmanager
def _figure(height: float, width: float) -> Iterator[Any]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width, height))


def svg(
    draw: Callable[[Any], None], description: str, height: float = _HEIGHT, width: float = _WIDTH, right: float = 0.0
) -> str:
    """SVG element with what `draw` draws into matplotlib's axes; `description` is its label. Sizes in inches, `right`
    that of what stands beside the axes."""
    with _figure(height, width) as figure:
        # Fixed margins: finding them out ("constrained") doubles the time.
        margin = 0.5 / height
        draw(figure.add_axes((0.621 / width, margin, 1 - (0.713 + right) / width, 0.96 - margin)))
        stream = io.StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return _as_part(stream.getvalue(), description)


def _as_part(text: str, description: str) -> str:
    """A document of matplotlib as an element of our page: our colours and font, no styles or names that leak."""
    prefix = f"p{zlib.crc32(text.encode()):x}-"  # the same plot has the same names in every report
    text = re.sub(r"\s*\n\s*", " ", text[text.index("<svg") :])
    text = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{prefix}\1)", text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{prefix}\1"', text)
    text = re.sub(r"font-family: [^;\"]*;?|font: ([\d.]+px) [^;\"]*", _font, text)
    for colour, name in _VARIABLES.items():
        text = text.replace(colour, f"var(--{name})")
    head, _, body = text.partition(">")
    (box,) = re.findall(r'viewBox="[^"]+"', head)
    return f'<svg class="plot" {box} role="img" aria-label="{description}">{body}'


def _font(match: re.Match[str]) -> str:
    return f"font-size: {match[1]}" if match[1] else ""
