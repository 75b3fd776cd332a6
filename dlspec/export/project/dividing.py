"""The function that divides examples into parts in a generated project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dlspec.components.sections.data import Data, Split
from dlspec.components.sections.splitters import Column, Time
from dlspec.core.dates import is_iso
from dlspec.core.pieces import Piece
from dlspec.data.binding.binding import Binding
from dlspec.data.order.splits import PARTS, WORDS, stratify_column
from dlspec.export.project.reading import template
from dlspec.export.python.syntax import Unsupported
from dlspec.export.python.templates import Code

if TYPE_CHECKING:
    import jinja2


def division(data: Data, binding: Binding, templates: jinja2.Environment) -> Code | None:
    """The function ``split()``; None where everything trains."""
    split = data.parts
    for option in ("fold", "training_fraction", "bootstrap"):
        if option in split.given:
            raise Unsupported(f"`{option}` of `data.split`")
    shares = {part: split.share(part) for part in ("validation", "test") if split.share(part)}
    if not shares and not isinstance(split.by, Column):
        return None
    by = split.by if isinstance(split.by, str) else split.by.registered_name
    facts = {
        "split": split,
        "first": next(iter([*binding.columns, *asked(data)])),
        "shares": shares,
        "cuts": _cuts(split, list(shares)),
        "empty": Code("{" + ", ".join(f"{part!r}: []" for part in PARTS if part == "train" or part in shares) + "}"),
        "wanted": {part: shares[part] for part in ("test", "validation") if part in shares},
        "stratify": stratify_column(data),
        "sizes": _class_sizes(shares, tight=_tight(data, binding, shares)),
        "order": _by_time(split.by, binding) if isinstance(split.by, Time) else (),
        **_named_parts(split, binding),
    }
    return Code(templates.get_template(template(templates, "splitters", by)).render(facts).strip())


def _by_time(by: Time, binding: Binding) -> list[Piece]:
    """The order of time: that of a column, or of the table itself."""
    if by.column is None:
        return [Piece("order = np.arange(len(columns[{}]))", binding.columns[0])]
    times = Piece("columns[{}]", by.column)
    if not _text(binding, by.column):
        return [Piece("order = np.argsort({}, kind='stable')", times)]
    if not all(map(is_iso, binding.table.read([by.column])[by.column])):
        raise Unsupported(f"dates in another form than 2024-12-31 in column `{by.column}`")
    return [Piece("times = [moment(value) for value in {}]", times), Piece("order = np.argsort(times, kind='stable')")]


def _class_sizes(shares: Mapping[str, float], *, tight: bool) -> list[Piece]:
    """Lines that compute the members of a class for each part; of few, one is left for training."""
    sizes = [Piece(f"{part} = max(1, round(len(members) * {{}}))", share) for part, share in shares.items()]
    if not tight:
        return sizes
    if len(shares) == 1:
        return [*sizes, *(Piece(f"{part} = {part} if {part} < len(members) else 1") for part in shares)]
    return [*sizes, Piece("if validation + test >= len(members):"), Piece("    validation = test = 1")]


def asked(data: Data) -> tuple[str, ...]:
    """Columns that the split reads."""
    return tuple(filter(None, (stratify_column(data), data.parts.asks)))


def parts_with_examples(data: Data, binding: Binding) -> list[str]:
    """Names of the parts that are not empty."""
    split = data.parts
    if isinstance(split.by, Column):
        return list(_named_parts(split, binding)["named"])
    return ["train", *(part for part in PARTS[1:] if split.has(part))]


def _text(binding: Binding, column: str) -> bool:
    return binding.table.columns[column].text


def _cuts(split: Split, parts: list[str]) -> dict[str, Code]:
    """The slice of each part in the order of a splitter: test first by chance, last by time."""
    kept: list[str] = [part for part in ("test", "validation") if part in parts]
    if isinstance(split.by, Time):
        return _latest(kept, split.by.gap)
    first, both = (kept or [""])[0], " + ".join(kept)
    cuts = {"train": Code(f"{both} :"), first: Code(f":{first}")}
    if len(kept) > 1:
        cuts["validation"] = Code("test : test + validation")
    return {part: cuts[part] for part in PARTS if part in cuts}


def _latest(kept: list[str], gap: int) -> dict[str, Code]:
    cuts: dict[str, Code] = {}
    behind: list[str] = []
    for part in [*kept, "train"]:
        end = f"-({' + '.join(behind)})" if len(behind) > 1 else f"-{behind[0]}" if behind else ""
        start = [*behind, part]
        cuts[part] = Code(f"-({' + '.join(start)}) : {end}" if len(start) > 1 else f"-{part} :")
        if part == "train":
            cuts[part] = Code(f": {end}")
        behind = [*start, *([str(gap)] if gap else [])]
    return {part: cuts[part] for part in PARTS if part in cuts}


def _tight(data: Data, binding: Binding, shares: Mapping[str, float]) -> bool:
    """Whether a class is so small that its parts, rounded, would leave nothing to train on."""
    column = stratify_column(data)
    if column is None or not shares:
        return False
    if binding.dropped() is not None:
        return True
    counts = binding.table.labels(column).counts
    return any(sum(max(1, round(count * share)) for share in shares.values()) >= count for count in counts)


def _named_parts(split: Split, binding: Binding) -> dict[str, Any]:
    """The part that each word of a column names."""
    if not isinstance(split.by, Column):
        return {}
    labels = [str(value) for value in binding.table.labels(split.by.column).values]
    part_of = {label: PARTS[WORDS[label.strip().lower()]] for label in labels}
    return {"part_of": part_of, "named": tuple(part for part in PARTS if part in part_of.values())}
