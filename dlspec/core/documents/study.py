"""``study.json`` of a study: its members, their measures, and what these have in common."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from dlspec.core.documents.results import Measures

STUDY_FILE = "study.json"


class MemberFacts(TypedDict):
    """One training of a study.

    Attributes:
        number: From 1.
        title: What it is: ``fold 2 of 5``.
        group: The share of the training split in a learning curve, the number of the variant in an ablation (0 for the
            whole); 0 elsewhere.
        folder: Its run folder, from the folder of the study.
        status: "waiting" until it has ended; "skipped" where boosting ended before it, or leaves it out; "failed" where
            a variant of an ablation cannot be trained.
        settings: Keys of the spec, with dots, and what this training has there.
        epoch: The epoch that was kept; null where all of them count.
        seconds: The time that it took.
        failure: Why it failed; null where it did not.
        vote: How much its answer counts in a boosting; null where members do not vote.
        examples: How many each part has.
        measures: Loss and metrics by part.
    """

    number: int
    title: str
    group: float
    folder: str
    status: Literal["waiting", "finished", "skipped", "failed"]
    settings: dict[str, Any]
    epoch: int | None
    seconds: float
    vote: float | None
    failure: str | None
    examples: dict[str, int]
    measures: Measures


class Summary(TypedDict):
    """One measure of a part over all members of a group.

    Attributes:
        group: As that of the members.
        part: "train", "validation", "test" or "fold".
        measure: Its name.
        count: Members that have a finite one.
        mean: Their mean.
        std: Their standard deviation, of a sample; null for a single one.
        low: Lower end of the interval that holds the mean of many such trainings with a confidence of 95 %; null for a
            single one.
        high: Its upper end.
        smallest: The smallest value.
        largest: The largest one.
    """

    group: float
    part: str
    measure: str
    count: int
    mean: float
    std: float | None
    low: float | None
    high: float | None
    smallest: float
    largest: float


class CurveFacts(TypedDict):
    """A curve `floor + scale · examples^-exponent` through the errors of a learning curve.

    Attributes:
        part: The part whose errors it goes through.
        measure: The measure.
        grows: Whether it is better the larger: then 1 minus its value is the error.
        floor: The error that no number of examples removes.
        scale: Factor of the part that examples remove.
        exponent: How fast they do.
        examples: How many the whole training split has.
        now: The error with them, by the curve.
        now_interval: The lower and upper end between which the mean error of as many new trainings lies with 95 %.
        tenfold: The error with ten times as many.
        tenfold_interval: Likewise.
        advice: A sentence on what limits the model.
    """

    part: str
    measure: str
    grows: bool
    floor: float
    scale: float
    exponent: float
    examples: int
    now: float
    now_interval: list[float]
    tenfold: float
    tenfold_interval: list[float]
    advice: str


class VariantFacts(TypedDict):
    """A spec with one thing less.

    Attributes:
        name: What it lacks.
        aid: How that helped: "regularizer", "augmentation", "layer", "skip" …; "" for the whole.
        group: That of its members.
        spec: Its file, from the folder of the study.
        parameters: Scalars in the variables of the model.
        flops: Operations of one answer; null where a size is unknown.
        failure: Why it could not be trained; null where it could.
        differences: Of every measure of a part to that of the whole with the same seed: its mean and interval.
    """

    name: str
    aid: str
    group: float
    spec: str
    parameters: int
    flops: int | None
    failure: str | None
    differences: list[Summary]


class LeftOutFacts(TypedDict):
    """A variant that there is none of.

    Attributes:
        name: What it would lack.
        aid: How that helps.
        reason: Why it cannot be trained or compared.
    """

    name: str
    aid: str
    reason: str


class AblationFacts(TypedDict):
    """An ablation: a spec and its variants, each with one thing less.

    Attributes:
        measure: The measure that compares them.
        direction: "up" where large values of it are good, "down" where small ones are.
        part: The part of the data that judges.
        seeds: With which each was trained.
        variants: The whole first.
        left_out: Variants that there are none of.
    """

    measure: str
    direction: Literal["up", "down"]
    part: str
    seeds: list[int]
    variants: list[VariantFacts]
    left_out: list[LeftOutFacts]


class Study(TypedDict):
    """A study as far as it has come.

    Attributes:
        name: Of the spec.
        study: The study, with its options.
        finished: Whether it is over.
        command: What to type to repeat it.
        judged: The part that judges: "fold", "test", "validation" or "train".
        model: The run folder of the model that is kept, from the folder of the study; null for none.
        kept: Loss and metrics of that model by part; {} while there is none.
        members: In the order of their numbers.
        summaries: Of all measures.
        curve: Of a learning curve; null elsewhere, and where none could be drawn.
        ablation: Of an ablation; null elsewhere.
    """

    name: str
    study: dict[str, Any]
    finished: bool
    command: str
    judged: str
    model: str | None
    kept: Measures
    members: list[MemberFacts]
    summaries: list[Summary]
    curve: CurveFacts | None
    ablation: AblationFacts | None
