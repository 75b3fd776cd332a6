"""What the commands print with ``--format json``, by the name of the command."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from dlspec.core.documents.figures import Saliency
from dlspec.core.documents.importance import Importance
from dlspec.core.documents.model import BuiltModel, Model
from dlspec.core.documents.printed_components import ComponentList, OneComponent
from dlspec.core.documents.printed_runs import RunComparison, RunDetails, RunSummary
from dlspec.core.documents.report import BadExamples, EqualExamples
from dlspec.core.documents.results import Evaluation


class Position(TypedDict):
    """A character of a text; both count from 1."""

    line: int
    column: int


class Range(TypedDict):
    """A part of a text; the end is the position after it."""

    start: Position
    end: Position


class Note(TypedDict):
    """A further remark on a diagnostic; file and range are null where it is about no place in a text."""

    message: str
    file: str | None
    range: Range | None


class Change(TypedDict):
    """A change of a file that mends what a diagnostic is about.

    Attributes:
        file: That is changed.
        range: What is replaced.
        text: What stands there afterwards; "" to take it away.
        safe: Whether nothing else can have been meant.
    """

    file: str
    range: Range
    text: str
    safe: bool


class Finding(TypedDict):
    """A diagnostic.

    Attributes:
        code: `dlspec explain CODE` tells its rule.
        help: How to mend it; "" where nothing can be said.
        edits: Changes that mend it; [] where none is known.
        file: Where it stands; null where it is about no place.
        range: Where it stands in that file.
    """

    code: str
    severity: Literal["error", "warning"]
    message: str
    help: str
    notes: list[Note]
    edits: list[Change]
    file: str | None
    range: Range | None


class Check(TypedDict):
    """Diagnostics of a spec in the order of the text."""

    version: Literal[1]
    diagnostics: list[Finding]


class _Column(TypedDict):
    """What is known of every column."""

    type: str
    of: str
    used: bool


class ColumnFigures(TypedDict, total=False):
    """Figures of a column that are only known once all rows are read."""

    missing: int
    distinct: int
    values: dict[str, int]
    characters: list[int]
    range: list[float]
    mean: float
    deviation: float


class ColumnSummary(_Column, ColumnFigures):
    """One column; what is only known by reading is left out where it was not read.

    Attributes:
        type: What it holds, in a word.
        of: Shape and data type of one value.
        used: Whether the spec uses it.
        missing: Values that are missing.
        distinct: Different values.
        values: How often each word occurs, where they are few.
        characters: Of texts: the fewest and the most.
        range: Of numbers: the smallest and the largest.
        mean: Of numbers.
        deviation: Of numbers: the standard deviation.
    """


class MadeSummary(TypedDict):
    """Examples that are made out of rows.

    Attributes:
        by: What makes them.
        gives: Shape and data type of what they have, by name.
        examples: How many there are, by split; null where only training counts them.
    """

    by: str
    gives: dict[str, str]
    examples: dict[str, int | None]


class SplitSummary(TypedDict):
    """One split: its examples, and how many of each class, by target."""

    examples: int
    classes: dict[str, dict[str, int]]


class InputSummary(TypedDict):
    """Type and source of the values that enter one input of the model.

    Attributes:
        raw: Shape and data type before the preparation.
        missing: What is done about missing values.
        prepare: Layers of the preparation.
        enters: Shape and data type that the model proper takes.
        augment: Layers that change examples in training.
    """

    columns: list[str]
    raw: str
    missing: str
    prepare: list[str]
    enters: str
    augment: list[str]


class TargetSummary(TypedDict):
    """Type and source of the values that one output is compared with.

    Attributes:
        output: Of the model.
        encoding: How values become numbers.
        compared: Shape and data type that the loss takes.
        prepare: Layers behind which the loss compares it.
        classes: What stands for 0, 1, …
        class_weights: As the spec gives them; null where it does not.
    """

    output: str
    columns: list[str]
    encoding: str
    compared: str
    prepare: list[str]
    classes: list[str]
    class_weights: Any


class _Made(TypedDict, total=False):
    made: MadeSummary
    others: dict[str, Any]


class Data(_Made):
    """The data of a spec.

    Attributes:
        source: Its name with its options.
        count: Examples that can be used.
        read: Examples of the source.
        dropped: Examples that are left out since they lack a value.
        bad: Examples that are left out since they are broken.
        in_no_part: Examples that no split holds.
        columns: Of the source, by name.
        splits: That are not empty.
        fingerprint: SHA-256 of the values of all columns in use, in hexadecimal.
        equal_examples: Examples that several splits hold.
        warnings: What is to be said of those.
        examples: A few of the training split: where they stand, and their values by column.
        made: What is made of the rows, where they are no examples themselves.
        others: The same facts of further `sources`, by name.
    """

    source: dict[str, Any]
    count: int
    read: int
    dropped: int
    bad: BadExamples
    in_no_part: int
    columns: dict[str, ColumnSummary]
    splits: dict[str, SplitSummary]
    inputs: dict[str, InputSummary]
    targets: dict[str, TargetSummary]
    fingerprint: str
    equal_examples: list[EqualExamples]
    warnings: list[str]
    examples: list[dict[str, Any]]


class ColumnRole(TypedDict):
    """The use that `dlspec init` has for a column; `reason` says why one is left out, and is "" otherwise."""

    role: Literal["number", "word", "text", "date", "image", "sequence", "row of numbers", "left out"]
    reason: str


class Candidate(TypedDict):
    """A column that could be predicted, and what it is in words."""

    column: str
    meaning: str


class TableData(Data):
    """A table that no spec describes yet.

    Attributes:
        looked_at: Rows from which the roles follow.
        roles: What `dlspec init` makes of each column.
        candidates: Columns that could be predicted, the likeliest first.
    """

    looked_at: int
    roles: dict[str, ColumnRole]
    candidates: list[Candidate]


class CodeEntry(TypedDict):
    """The rule behind a diagnostic.

    Attributes:
        code: Of the diagnostic.
        family: Its group.
        title: In short.
        rule: What holds.
        wrong: A spec that breaks it; "" where it is about no spec.
        right: The same mended.
        scene: When it happens, where it is about no spec.
    """

    code: str
    family: str
    title: str
    rule: str
    wrong: str
    right: str
    scene: str


class CodeList(TypedDict):
    """All codes."""

    codes: list[CodeEntry]


class RunEvaluation(Evaluation):
    """Measures of a run's model on some data.

    Attributes:
        run: Its id.
        metrics: Loss and metrics by part: a split, or the name of other data.
        outputs: What is known of each output, by part and target.
        dropped: By part: examples that were left out since they lack a value.
    """

    run: str


class OutputLoss(TypedDict):
    """What quantization cost one output.

    Attributes:
        measure: Such as ``accuracy``.
        before: Its value with the weights as they were trained.
        after: With those in few bits.
    """

    measure: str
    before: float
    after: float


class Quantized(TypedDict):
    """What quantization gave.

    Attributes:
        mode: ``int8`` or ``int4``.
        bytes_before: Size of the same export as it was trained.
        part: The split that it was measured on.
        outputs: By output: what it cost.
    """

    mode: str
    bytes_before: int
    part: str
    outputs: dict[str, OutputLoss]


class ExportResult(TypedDict):
    """The file that an export wrote, and how far its answers differ from Keras's.

    Attributes:
        bytes: Its size.
        verified: Whether its outputs were compared with those of Keras.
        differences: By output: the largest difference; null where it is not finite.
        quantized: What ``--quantize`` gave; null without it.
    """

    path: str
    format: str
    bytes: int
    verified: bool
    differences: dict[str, float | None]
    quantized: Quantized | None


class Generated(TypedDict):
    """Examples that a model made.

    Attributes:
        run: Its id.
        folder: Where the files stand.
        count: How many examples.
        forms: By output, the form of its files: png, wav, csv, jsonl or npz.
        files: Their names.
    """

    run: str
    folder: str
    count: int
    forms: dict[str, str]
    files: list[str]


PRINTED: dict[str, Any] = {
    "build": BuiltModel,
    "check": Check,
    "data": Data | TableData,
    "evaluate": RunEvaluation,
    "explain": CodeEntry | CodeList,
    "export": ExportResult,
    "generate": Generated,
    "importance": Importance,
    "layers": OneComponent | ComponentList,
    "predict": list[dict[str, Any]],
    "runs": list[RunSummary],
    "runs-compare": RunComparison,
    "runs-show": RunDetails,
    "saliency": Saliency,
    "show": Model,
}
