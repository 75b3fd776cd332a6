"""What the section ``report`` asks for, in ``report.json``."""

from __future__ import annotations

from typing import Literal, TypedDict


class Neighbour(TypedDict):
    """A training example beside another one.

    Attributes:
        where: Its place in the data.
        text: What enters the model, where that is text; else "".
        similarity: Cosine of the angle between both outputs.
        of: Its class; null where none is asked for.
    """

    where: str
    text: str
    similarity: float
    of: str | None


class Asked(TypedDict):
    """An example with its neighbours.

    Attributes:
        where: Its place in the data.
        text: What enters the model, where that is text; else "".
        of: Its class; null where none is asked for.
        neighbours: The nearest first.
    """

    where: str
    text: str
    of: str | None
    neighbours: list[Neighbour]


class Retrieval(TypedDict):
    """How often neighbours are of the same class.

    Attributes:
        precision: Mean share of the k nearest that are of the class of the example.
        r_precision: Mean share among the R nearest, where R is how many of the class there are.
        recall: Share of examples with at least one of their class among the k nearest.
        chance: What `precision` and `r_precision` are on average where the order is left to chance.
    """

    precision: float
    r_precision: float
    recall: float
    chance: float


class NeighbourFigures(TypedDict):
    """Nearest neighbours by an output.

    Attributes:
        of: The output.
        by: The column of classes; null where none is asked for.
        k: How many neighbours.
        asked: Examples whose neighbours were looked for.
        among: Training examples among which they were.
        retrieval: Null where no classes are asked for, or none of them is among the training examples.
        examples: Some, with their neighbours.
    """

    of: str
    by: str | None
    k: int
    asked: int
    among: int
    retrieval: Retrieval | None
    examples: list[Asked]


class MapFigures(TypedDict):
    """A map of an output.

    Attributes:
        of: The output.
        by: The column of classes; null where none is asked for.
        explained: Share of the variance along both axes; null where the output itself has two numbers.
        points: Of each example, two numbers.
        classes: Names of the classes.
        of_class: Number of each example's class; empty where none are asked for.
    """

    of: str
    by: str | None
    explained: list[float] | None
    points: list[list[float]]
    classes: list[str]
    of_class: list[int]


class Cluster(TypedDict):
    """A group of examples.

    Attributes:
        examples: How many of the part that is looked at.
        most: The class that most of them have; null where none are asked for, or the group is empty.
        share: Share of those; null likewise.
    """

    examples: int
    most: str | None
    share: float | None


class ClusterFigures(TypedDict):
    """Groups of examples by an output (k-means).

    Attributes:
        of: The output.
        by: The column of classes; null where none is asked for.
        fitted: Training examples that the groups were found among.
        clusters: Each group, the largest first.
        adjusted_rand: Agreement of groups and classes, 1 at best, 0 for chance; null where none are asked for.
    """

    of: str
    by: str | None
    fitted: int
    clusters: list[Cluster]
    adjusted_rand: float | None


class Detection(TypedDict):
    """How well outliers are told.

    Attributes:
        outliers: How many there are.
        auc: Area under the ROC curve; null where all or none are outliers.
        recall: Share of outliers above the threshold; null where there are none.
        false_alarms: Share of the others above it; null where there are none.
        precision: Share of those above it that are outliers; null where none is above.
        roc: Points of the ROC curve: share of false alarms, share of outliers found.
    """

    outliers: int
    auc: float | None
    recall: float | None
    false_alarms: float | None
    precision: float | None
    roc: list[list[float]]


class OutlierFigures(TypedDict):
    """Examples with an unusual score.

    Attributes:
        of: The output.
        by: The column that says which are outliers; null where none is asked for.
        share: Of the training examples that are above the threshold.
        threshold: The score that they exceed.
        examples: How many were looked at.
        above: How many of them exceed it.
        detection: Null where nothing says which are outliers.
    """

    of: str
    by: str | None
    share: float
    threshold: float
    examples: int
    above: int
    detection: Detection | None


class ClassShare(TypedDict):
    """A class among drawn examples.

    Attributes:
        name: Of the class.
        share: Of the drawn examples that the features' model takes for it.
        sure: Of the drawn examples that it takes for it with a probability of 0.9 or more.
    """

    name: str
    share: float
    sure: float


class FrechetFigures(TypedDict):
    """How far drawn examples are from real ones.

    Attributes:
        of: The output.
        beside: The input that holds the real ones.
        features: The run whose model sees features.
        layer: Its layer.
        drawn: How many were drawn.
        real: How many real ones they are compared with.
        distance: Fréchet distance between the features of both.
        training: The same between as many training examples and the real ones; null where these are themselves training
            examples.
        sure: Share of drawn examples that the features' model takes for some class with a probability of 0.9 or more;
            null where it tells no classes.
        classes: Each class by itself; empty likewise.
    """

    of: str
    beside: str
    features: str
    layer: str
    drawn: int
    real: int
    distance: float
    training: float | None
    sure: float | None
    classes: list[ClassShare]


class WordEffect(TypedDict):
    """A word of a text.

    Attributes:
        word: As it stands there.
        change: By how much the score of the answer falls without it; below 0 where it rises.
    """

    word: str
    change: float


class AskedAnswer(TypedDict):
    """An example, and what the answer to it follows from.

    Attributes:
        where: Its place in the data.
        true: The truth; null where it is not known.
        answer: What the model answered.
        right: Whether both agree; null where that is no yes or no.
        score: Of the answer.
        words: Of a text, in its order; empty for a picture, which stands in the sheet of pictures, a row for each.
    """

    where: str
    true: str | None
    answer: str
    right: bool | None
    score: float
    words: list[WordEffect]


class SaliencyFigures(TypedDict):
    """What answers follow from.

    Attributes:
        of: The output.
        input: The input that is looked at.
        kind: Whether that is a picture or a text.
        raw: Whether scores are those before the last softmax or sigmoid.
        layer: Of Grad-CAM; null where there is none.
        examples: The worst wrong answers, then right ones that chance chose; of numbers the farthest off, then others.
    """

    of: str
    input: str
    kind: Literal["picture", "text"]
    raw: bool
    layer: str | None
    examples: list[AskedAnswer]


class Saliency(SaliencyFigures):
    """What `dlspec saliency` tells of a run.

    Attributes:
        run: Its id.
        part: The split, or the name of other data, that was looked at.
    """

    run: str
    part: str


class GradientFigures(TypedDict):
    """Norms of gradients, by layer.

    Attributes:
        examples: How many of the first training examples were looked at.
        epochs: Their numbers.
        layers: For each layer with weights its norm after each epoch; null where a phase does not train it.
    """

    examples: int
    epochs: list[int]
    layers: dict[str, list[float | None]]


class NearWord(TypedDict):
    """A word with the cosine of the angle between its vector and what was asked for.

    Attributes:
        word: Of the vocabulary.
        similarity: The cosine.
    """

    word: str
    similarity: float


class AskedWord(TypedDict):
    """A word or an analogy, and the words that are nearest.

    Attributes:
        asked: As the spec writes it.
        nearest: The nearest first.
    """

    asked: str
    nearest: list[NearWord]


class WordFigures(TypedDict):
    """Words by the vectors of an embedding.

    Attributes:
        of: The layer.
        input: The input whose vocabulary it is.
        vocabulary: How many words and signs it has.
        neighbours: Of each word that is asked for and known.
        analogies: Likewise.
        unknown: Words that are asked for and not in the vocabulary.
    """

    of: str
    input: str
    vocabulary: int
    neighbours: list[AskedWord]
    analogies: list[AskedWord]
    unknown: list[str]


class Figures(TypedDict, total=False):
    """Figures that the section `report` asks for, without those that could not be computed.

    Attributes:
        part: The split that was looked at.
        neighbours: Nearest neighbours by an output.
        map: A map of an output.
        clusters: Groups by an output.
        outliers: Unusual examples.
        frechet: How far drawn examples are from real ones.
        saliency: What answers follow from.
        words: Words by the vectors of an embedding.
        gradients: Norms of gradients, by layer.
        errors: Why something could not be computed, by its name.
    """

    part: str
    neighbours: NeighbourFigures
    map: MapFigures
    clusters: ClusterFigures
    outliers: OutlierFigures
    frechet: FrechetFigures
    saliency: SaliencyFigures
    words: WordFigures
    gradients: GradientFigures
    errors: dict[str, str]
