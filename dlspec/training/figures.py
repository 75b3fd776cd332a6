"""What the section ``report`` asks for beside pictures: each figure of a trained model, from its answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dlspec.components.registry import load_attribute
from dlspec.components.sections.data import Data
from dlspec.components.sections.report import (
    FrechetDistance,
    KMeansGroups,
    NearestNeighbours,
    OutlierScore,
    PlaneMap,
    Report,
    Tensors,
)
from dlspec.core.documents.figures import (
    Asked,
    ClassShare,
    ClusterFigures,
    Figures,
    FrechetFigures,
    MapFigures,
    NeighbourFigures,
    OutlierFigures,
)
from dlspec.core.errors import Problem, SpecError
from dlspec.data.binding.tasks import Task
from dlspec.data.feeding.parts import Part
from dlspec.training.features import features_run, seer_of
from dlspec.training.saved import SavedRun
from dlspec.views.figures import groups
from dlspec.views.figures.detection import detection, threshold
from dlspec.views.figures.frechet import distance
from dlspec.views.figures.neighbours import Nearest, nearest
from dlspec.views.pages.comparing import answering
from dlspec.views.pages.drawn import beside_neighbours
from dlspec.views.pages.outputs import Outputs, shown

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_SHOWN, _SURE, _DOTS = 8, 0.9, 1000


@dataclass
class Looking:
    """Answers of a model, from which figures are computed, and the folder of their pictures.

    Attributes:
        outputs: The answers of the model.
        folder: The run folder, which gets pictures.
        features: Runs whose models see features, by figure.
        data: The section of the spec.
        tasks: Gives the questions that outputs answer.
        raw: Gives the model that takes raw values.
    """

    outputs: Outputs
    folder: Path
    features: dict[str, SavedRun]
    data: Data
    tasks: Callable[[], list[Task]]
    raw: Callable[[], Any]


def needed(section: Report, tensors: Tensors, data: Data, folder: Path, *, allow_outside: bool) -> dict[str, SavedRun]:
    """The runs whose models see features, by figure: found before training begins, loaded when it is over.

    Raises:
        SpecError: See :func:`dlspec.training.features.features_run`.
    """
    asking = {name: item for name, item in section.figures.items() if isinstance(item, FrechetDistance)}
    try:
        return {
            name: features_run(item, tensors, data, folder, allow_outside=allow_outside)
            for name, item in asking.items()
        }
    except Problem as problem:
        raise SpecError([problem.at(None)]) from problem


def figures(looking: Looking, section: Report) -> Figures:
    """All that the section asks for. What cannot be computed is told in `errors`."""
    result: dict[str, Any] = {"part": looking.outputs.looked_at[0]}
    for name, figure in section.figures.items():
        try:
            result[name] = cast("Callable[..., Any]", load_attribute(figure.computer))(looking, figure)
        except Exception as error:  # the run itself is over and well
            result.setdefault("errors", {})[name] = f"{type(error).__name__}: {error}"
    return cast("Figures", result)


def neighbours(looking: Looking, figure: NearestNeighbours) -> NeighbourFigures:
    """Nearest neighbours of the part that is looked at, among the training examples."""
    import numpy as np

    outputs, (_, part), train = looking.outputs, looking.outputs.looked_at, looking.outputs.prepared.train
    asked, among = outputs.of(figure.of, part), outputs.of(figure.of, train)
    own, others = outputs.classes(figure.by, part), outputs.classes(figure.by, train)
    pair = None if own is None or others is None else (own, others)
    result = nearest(asked, among, figure.k, pair, same=outputs.same)
    rows = np.sort(np.random.default_rng(outputs.seed).permutation(len(asked))[:_SHOWN])
    beside_neighbours(looking.folder, figure.of, outputs, rows, result.numbers[rows])
    return {
        "of": figure.of,
        "by": figure.by,
        "k": result.numbers.shape[1],
        "asked": len(asked),
        "among": len(among),
        "retrieval": result.retrieval,
        "examples": [_asked(outputs, part, train, int(row), result, pair) for row in rows],
    }


def _asked(
    outputs: Outputs, part: Part, train: Part, row: int, result: Nearest, classes: tuple[Array, Array] | None
) -> Asked:
    return {
        "where": outputs.where(part, row),
        "text": outputs.text(part, row),
        "of": None if classes is None else classes[0][row],
        "neighbours": [
            {
                "where": outputs.where(train, int(number)),
                "text": outputs.text(train, int(number)),
                "similarity": float(similarity),
                "of": None if classes is None else classes[1][number],
            }
            for number, similarity in zip(result.numbers[row], result.similarity[row], strict=True)
        ],
    }


def plane(looking: Looking, figure: PlaneMap) -> MapFigures:
    """The part that is looked at, of many as many dots as can be told apart."""
    import numpy as np

    outputs, (_, part) = looking.outputs, looking.outputs.looked_at
    points, explained = groups.plane(outputs.of(figure.of, part))
    chosen = np.unique(np.linspace(0, len(points) - 1, _DOTS).astype(int))
    classes = outputs.classes(figure.by, part)
    names, numbers = (np.array([], object), None) if classes is None else np.unique(classes, return_inverse=True)
    return {
        "of": figure.of,
        "by": figure.by,
        "explained": explained,
        "points": [[float(x), float(y)] for x, y in points[chosen]],
        "classes": [str(name) for name in names],
        "of_class": [] if numbers is None else [int(number) for number in numbers[chosen]],
    }


def clusters(looking: Looking, figure: KMeansGroups) -> ClusterFigures:
    """Groups that were found among the training examples, and the part that is looked at in them."""
    outputs, (_, part) = looking.outputs, looking.outputs.looked_at
    fitted = outputs.of(figure.of, outputs.prepared.train)
    if len(fitted) < figure.k:
        raise Problem("E530", f"{len(fitted)} training examples form no {figure.k} groups", "make `k` smaller")
    numbers = groups.groups(fitted, outputs.of(figure.of, part), figure.k, outputs.seed)
    classes = outputs.classes(figure.by, part)
    return {
        "of": figure.of,
        "by": figure.by,
        "fitted": len(fitted),
        "clusters": groups.described(numbers, figure.k, classes),
        "adjusted_rand": None if classes is None else groups.adjusted_rand(numbers, classes),
    }


def outliers(looking: Looking, figure: OutlierScore) -> OutlierFigures:
    """The part that is looked at against a threshold from the training examples."""
    outputs, (_, part) = looking.outputs, looking.outputs.looked_at
    limit = threshold(outputs.of(figure.of, outputs.prepared.train)[:, 0], figure.share)
    scores = outputs.of(figure.of, part)[:, 0]
    truth = None if figure.by is None else _outlying(outputs.column(figure.by, part), figure.are)
    return {
        "of": figure.of,
        "by": figure.by,
        "share": figure.share,
        "threshold": limit,
        "examples": len(scores),
        "above": int((scores > limit).sum()),
        "detection": None if truth is None else detection(scores, truth, limit),
    }


def _outlying(values: Array, are: list[Any] | None) -> Array:
    """Which values say that an example is an outlier."""
    import numpy as np

    wanted = {shown(value).lower() for value in are or (1, True)}
    return np.array([shown(value).lower() in wanted for value in values], bool)


def frechet(looking: Looking, figure: FrechetDistance) -> FrechetFigures:
    """Drawn examples against the real ones of the part that is looked at."""
    outputs, (_, part) = looking.outputs, looking.outputs.looked_at
    seer, beside = seer_of(figure, looking.features["frechet"]), str(figure.real(outputs.tensors))
    drawn = _drawn(outputs, figure, part)
    real = outputs.inputs(part, outputs.positions(part))[beside]
    features, answers = seer.see(drawn)
    wanted, _ = seer.see(real)
    shares = _shares(answers, seer.classes) if answers is not None else []
    training = None
    if not outputs.same:
        train = outputs.prepared.train
        chosen = outputs.positions(train)[: figure.count]
        training = distance(seer.see(outputs.inputs(train, chosen)[beside])[0], wanted)
    return {
        "of": figure.of,
        "beside": beside,
        "features": figure.features,
        "layer": seer.layer,
        "drawn": len(drawn),
        "real": len(real),
        "distance": distance(features, wanted),
        "training": training,
        "sure": sum(item["sure"] for item in shares) if shares else None,
        "classes": shares,
    }


def _drawn(outputs: Outputs, figure: FrechetDistance, part: Part) -> Array:
    """What the output gives for as many draws; inputs from the data take turns through the part that is looked at."""
    import numpy as np

    numbers = np.arange(figure.count)
    inputs: dict[str, Array] = {}
    if outputs.tensors.inputs.keys() - outputs.tensors.drawn:
        positions = outputs.positions(part)
        inputs |= outputs.inputs(part, positions[numbers % len(positions)])
    inputs |= {item.name: item.at(numbers) for item in outputs.prepared.binding.drawn}
    answer = answering(outputs.model, outputs.names)
    size = 500
    result = [
        answer({name: values[start : start + size] for name, values in inputs.items()})[0][outputs.called(figure.of)]
        for start in range(0, figure.count, size)
    ]
    return np.concatenate(result)


def _shares(answers: Array, names: tuple[str, ...]) -> list[ClassShare]:
    """What the model of features takes drawn examples for, by probabilities of shape [examples, classes]."""
    likeliest, most = answers.argmax(axis=1), answers.max(axis=1)
    return [
        {
            "name": name,
            "share": float((likeliest == number).mean()),
            "sure": float(((likeliest == number) & (most >= _SURE)).mean()),
        }
        for number, name in enumerate(names)
    ]
