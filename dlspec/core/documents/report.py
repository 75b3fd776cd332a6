"""``report.json`` of a run: what it was, and what came of it."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from dlspec.core.documents.figures import Figures
from dlspec.core.documents.model import Model, Parameters, Shape
from dlspec.core.documents.results import Baselines, Measures, Results

REPORT_FILE = "report.json"


class Failure(TypedDict):
    """Why a run failed.

    Attributes:
        code: Of the diagnostic (`dlspec explain CODE`), or the name of a Python exception.
        message: What it says.
    """

    code: str
    message: str


class Planned(TypedDict):
    """Epochs, steps and examples that a training planned.

    Attributes:
        epochs: In all.
        steps_per_epoch: Batches of one epoch.
        scheduled: Whether a schedule rules the learning rate to the end.
    """

    epochs: int
    steps_per_epoch: int
    scheduled: bool


class Machine(TypedDict):
    """The machine, and settings of its arithmetic: they decide about the last bits of a result.

    Attributes:
        platform: The operating system.
        cpus: Processors of the machine; null where they are not known.
        environment: Environment variables on which arithmetic depends.
    """

    platform: str
    cpus: int | None
    environment: dict[str, str]


class Speed(TypedDict):
    """Times that `speed: auto` measured, and the way of computing that it chose.

    Attributes:
        jit: Whether XLA compiles the steps.
        plain: Examples per second without XLA.
        xla: Examples per second where it compiles each step; null where that was not timed or is not possible.
        looped: Whether it compiles the loop over steps as a whole.
        loop: Examples per second of that loop; null where that was not timed or is not possible.
        reason: Why a way was not timed; "" where there is nothing to say.
    """

    jit: bool
    plain: float
    xla: float | None
    looped: bool
    loop: float | None
    reason: str


class Fact(TypedDict):
    """A line that a method of training adds to the report beside its measures.

    Attributes:
        title: What it is, in a few words.
        value: A figure, or a word; null where it has none.
        unit: Of the figure; "" where it has none.
    """

    title: str
    value: float | str | None
    unit: str


class BadExamples(TypedDict):
    """Examples that were left out since they are broken.

    Attributes:
        count: How many.
        first: Where some of them stand.
    """

    count: int
    first: list[str]


class EqualExamples(TypedDict):
    """Examples of one part whose inputs equal those of an example of another part.

    Attributes:
        parts: The two parts; examples of the first are also found in the second.
        examples: How many of the first part.
        rows: Where some of them stand, each with an equal one of the other part.
    """

    parts: list[str]
    examples: int
    rows: list[list[str]]


class InputFacts(TypedDict):
    """Columns, preparation and type of what enters one input of the model.

    Attributes:
        columns: Of the data.
        shape: Of one example as the model proper takes it.
        dtype: Of that.
        missing: What is done about missing values.
        prepare: Layers of the preparation, which is saved in the model.
        augment: Layers that change examples in training.
    """

    columns: list[str]
    shape: Shape
    dtype: str
    missing: str
    prepare: list[str]
    augment: list[str]


class _Target(TypedDict):
    """What every version has written of a target."""

    target: str
    columns: list[str]
    encoding: str
    shape: Shape
    dtype: str
    classes: list[Any]
    one_hot: bool
    separator: str


class TargetFacts(_Target, total=False):
    """Column, classes and units of what one output is compared with.

    Attributes:
        target: Its name in the spec.
        columns: Of the data.
        encoding: How their values become numbers.
        shape: Of one example as the loss takes it.
        dtype: Of that.
        classes: What stands for 0, 1, …
        one_hot: Whether class numbers become vectors.
        separator: Between labels of one cell; "" where a cell holds one.
        column: The first column.
        graded: Whether the classes have an order.
        prepare: Layers behind which the loss compares it; answers are in the units of the data.
        input: The input of which it is made; left out for columns.
        shift: How many steps it is ahead of that.
        masked: The share of its steps that are hidden, which it consists of; left out where none are.
    """

    column: str
    graded: bool
    prepare: list[str]
    input: str
    shift: int
    masked: float


class OtherFacts(TypedDict):
    """A further source of a run.

    Attributes:
        source: Its name with its options.
        examples: Of each part.
    """

    source: dict[str, Any]
    examples: dict[str, int]


class _Others(TypedDict, total=False):
    others: dict[str, OtherFacts]


class DataFacts(_Others):
    """The data of a run.

    Attributes:
        source: Its name with its options.
        fingerprint: SHA-256 of the values of all columns in use, in hexadecimal.
        examples: Of each part.
        dropped: Examples that were left out since they lack a value.
        bad: Examples that were left out since they are broken.
        visited_per_epoch: Examples that training sees in one epoch.
        weight: The column that says how much each example counts; null where all count alike.
        class_weights: By output: a weight for each class.
        equal_examples: Examples that several parts hold.
        columns: In use, with their data types.
        inputs: By name.
        targets: By output.
        drawn: Inputs that no column gives, by name: what each is drawn from, with its options.
        others: Further `sources`, by name; only where there are some.
    """

    source: dict[str, Any]
    fingerprint: str
    examples: dict[str, int]
    dropped: int
    bad: BadExamples
    visited_per_epoch: int
    weight: str | None
    class_weights: dict[str, list[float]]
    equal_examples: list[EqualExamples]
    columns: dict[str, str]
    inputs: dict[str, InputFacts]
    targets: dict[str, TargetFacts]
    drawn: dict[str, dict[str, Any]]


class _Begun(TypedDict):
    """What is known before training begins."""

    name: str
    command: str
    allow_outside: bool
    id: str
    spec_folder: str
    seed: int | None
    parameters: Parameters
    data: DataFacts
    versions: dict[str, str]
    machine: Machine


class Begun(_Begun, total=False):
    """The report of a run that has begun: what is known before training, and the reason of a failure."""

    devices: list[str]
    error: Failure


class _Outcome(TypedDict):
    """What is always known of a training."""

    status: Literal["finished", "interrupted", "failed"]
    metrics: Measures
    epochs: int
    planned: Planned
    best: dict[str, float | None] | None
    kept: str
    epoch_seconds: list[float]


class Outcome(_Outcome, total=False):
    """How the training went."""

    speed: Speed
    thresholds: dict[str, float]
    method_facts: dict[str, Fact]


class Picture(TypedDict):
    """A sheet of pictures that an output gave.

    Attributes:
        output: Its name.
        shows: "samples": what it gives for fixed draws; "reconstructions": originals, each above what the model made
            of it; "interpolations": the ways between draws, a row each;
            "neighbours": examples, each at the left of the training examples nearest to it;
            "saliency": examples, each with what the answer to it follows from.
        epoch: After which; null for those of the kept weights.
        file: In the run folder.
    """

    output: str
    shows: Literal["samples", "reconstructions", "interpolations", "neighbours", "saliency"]
    epoch: int | None
    file: str


class Examined(TypedDict, total=False):
    """The model, and what it answered."""

    model: Model
    results: Results
    baselines: Baselines
    pictures: list[Picture]
    figures: Figures


class Timing(TypedDict):
    """When, and how long."""

    started: str
    seconds: float
    stages: dict[str, float]


class Report(Begun, Outcome, Examined, Timing):
    """A run, and what came of it.

    Attributes:
        name: Of the spec.
        command: What repeats the run.
        allow_outside: Whether its data may stand outside of the spec's folder.
        id: Of the run: the name of its folder.
        spec_folder: Where the paths of the spec start, from the run folder.
        seed: Of everything that is drawn.
        versions: Of Python, dlspec and the packages that it uses.
        devices: Of a run on several.
        error: Where the run failed.
        metrics: Loss and metrics with the kept weights, by part: train, validation, test.
        epochs: That were run.
        best: Number of the best epoch (epoch), and its value of what was monitored, by the name of that.
        kept: Which weights the model has.
        epoch_seconds: Time of each epoch.
        speed: Where that was measured.
        thresholds: Above which outputs mean yes, by name, where they were chosen on the validation split;
            -3.4e38 and 3.4e38 mean always yes and always no.
        method_facts: What the way of training tells of a run that is finished, by name.
        model: What `dlspec show` prints of it.
        results: What the trained model answered.
        baselines: What answers that need no training reach, where the spec asks for them.
        figures: What the section `report` asks for.
        pictures: Of outputs that are pictures; left out where there are none.
        started: UTC, in ISO 8601.
        seconds: In all.
        stages: Seconds of each stage.
    """
