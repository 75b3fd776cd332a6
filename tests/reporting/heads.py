"""Outputs of the random runs of :mod:`cases`: every kind of answer with its losses and measures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import formulas as f
import numpy as np
from formulas import Array
from sklearn import metrics

LABELS, IGNORED = 2, 9


@dataclass
class Measure:
    """One metric: what the spec says of it, its name in tables, and what it is of truth and answers that count.

    Attributes:
        apart: Whether it is compared only where no two scores are equal but for their last bits.
    """

    entry: Any
    name: str
    of: f.Measured
    apart: bool = False


@dataclass
class Head:
    """One output: how it is made, and how it is read.

    Attributes:
        kind: ``choice``, ``yes``, ``tags``, ``numbers`` or ``labels`` (a sequence of any length).
        place: Of each example (""), of each of its ``steps``, or of its ``pixels``.
        of_loss: Of truth and answers of a batch: one number per position or example, or one for all.
        squash: From what the model gives to shares; None for numbers.
        threshold: Above which the model's number means yes.
        holds: What the numbers are: ``any``, ``shares`` or ``counts``.
        signed: Whether the labels are -1 and 1.
        weights: Of the classes.
        ignored: Whether some labels are the number that does not count.
        reduction: How the losses of a batch become one number.
        prepare: Layers behind which the loss compares the target.
    """

    name: str
    kind: str
    place: str
    units: int
    activation: str
    loss: Any
    of_loss: f.Loss
    measures: list[Measure] = field(default_factory=list)
    squash: Callable[[Array], Array] | None = None
    threshold: float = 0.5
    holds: str = "any"
    signed: bool = False
    weights: dict[int, float] | None = None
    ignored: bool = False
    reduction: str = "mean"
    prepare: list[Any] = field(default_factory=list)

    @property
    def loss_name(self) -> str:
        return self.loss if isinstance(self.loss, str) else next(iter(self.loss))

    @property
    def weighable(self) -> bool:
        """Whether its classes may weigh differently: each label has a loss of its own."""
        whole = self.loss_name in ("dice", "tversky", "ctc")
        return self.kind in ("choice", "yes") and not whole


Maker = Callable[[str], Head]


def makers(chance: np.random.Generator, place: str) -> Iterator[Maker]:
    """Every kind of output that a place can have, with a random one of its losses and some of its measures."""
    for family in (_choices, _answers, _tags, _numbers, _shares):
        options = list(family(chance, place))
        yield options[chance.integers(len(options))]
    if place == "steps":
        yield lambda name: Head(name, "labels", "", 4, "linear", "ctc", f.ctc, squash=f.softmax)


def some(chance: np.random.Generator, measures: list[Measure], most: int = 3) -> list[Measure]:
    """A few, no two of one name."""
    found = {measures[one].name: measures[one] for one in chance.permutation(len(measures))[:most]}
    return list(found.values())


def _maker(chance: np.random.Generator, place: str, kind: str, measures: list[Measure], units: int, activation: str,
           loss: Any, of_loss: f.Loss, **more: Any) -> Maker:  # fmt: skip
    """A head; a loss with options may be reduced in another way too."""
    options = {} if isinstance(loss, str) else dict(next(iter(loss.values())))
    name = loss if isinstance(loss, str) else next(iter(loss))
    reduction = str(chance.choice(["sum", "mean_with_sample_weight"])) if chance.random() < 0.15 else "mean"
    if name == "crossentropy" or kind == "labels":
        reduction = "mean"
    if reduction != "mean":
        options["reduction"] = reduction
    shown = {name: options} if options else name
    chosen = some(chance, measures)
    return lambda called: Head(
        called, kind, place, units, activation, shown, of_loss, chosen, reduction=reduction, **more
    )


def _choices(chance: np.random.Generator, place: str) -> Iterator[Maker]:
    units, smooth = int(chance.integers(2, 5)), round(float(chance.uniform(0.05, 0.3)), 2)
    accuracy = Measure("accuracy", "accuracy", f.right_class)
    numbered = [
        accuracy,
        Measure("sparse_categorical_accuracy", "sparse_categorical_accuracy", f.right_class),
        *(
            [Measure({"sparse_top_k_categorical_accuracy": 2}, "sparse_top_k_categorical_accuracy", f.among(2))]
            if units > 2
            else []
        ),
        Measure({"mean_io_u": units}, "mean_io_u", f.overlap(list(range(units)))),
        Measure({"io_u": {"num_classes": units, "target_class_ids": [0, 1], "name": "two"}}, "two", f.overlap([0, 1])),
    ]
    surprise = [Measure("sparse_categorical_crossentropy", "sparse_categorical_crossentropy",
                        f.mean(f.crossentropy(f.same)))]  # fmt: skip
    raw = [Measure("sparse_categorical_crossentropy", "sparse_categorical_crossentropy",
                   f.mean(f.crossentropy(f.softmax)))]  # fmt: skip

    def one(measures: list[Measure], activation: str, loss: Any, of_loss: f.Loss, **more: Any) -> Maker:
        more = {"squash": f.same, **more}
        return _maker(chance, place, "choice", measures, units, activation, loss, of_loss, **more)

    sparse = "sparse_categorical_crossentropy"
    yield one(numbered + surprise, "softmax", sparse, f.crossentropy(f.same))
    yield one(numbered + surprise, "softmax", "crossentropy", f.crossentropy(f.same))
    yield one(numbered, "softmax", {sparse: {"ignore_class": IGNORED}}, f.crossentropy(f.same), ignored=True)
    yield one(numbered + raw, "linear", {sparse: {"from_logits": True}}, f.crossentropy(f.softmax), squash=f.softmax)
    yield one(numbered, "softmax", {"categorical_generalized_cross_entropy": {"q": 0.6}}, f.generalized(0.6))
    rows = _of_rows(chance, place, units, accuracy)
    hinged = [accuracy, Measure("categorical_hinge", "categorical_hinge", f.mean(f.categorical_hinge))]
    yield one(rows, "softmax", {"categorical_crossentropy": {"label_smoothing": smooth}},
              f.crossentropy(f.same, smooth))  # fmt: skip
    raw_rows = _of_rows(chance, place, units, accuracy, of_shares=f.softmax)
    yield one(raw_rows, "linear", {"categorical_crossentropy": {"from_logits": True, "label_smoothing": smooth}},
              f.crossentropy(f.softmax, smooth), squash=f.softmax)  # fmt: skip
    yield one(rows, "softmax", {"categorical_focal_crossentropy": {"alpha": 0.4, "gamma": 1.5}},
              f.categorical_focal(f.same, 0.4, 1.5))  # fmt: skip
    yield one(hinged, "linear", "categorical_hinge", f.categorical_hinge)
    yield one([*rows, Measure("kl_divergence", "kl_divergence", f.mean(f.divergence))], "softmax", "kl_divergence",
              f.divergence)  # fmt: skip


def _of_rows(
    chance: np.random.Generator, place: str, units: int, accuracy: Measure, of_shares: Callable[[Array], Array] = f.same
) -> list[Measure]:
    """Measures of classes as one-hot rows: of their shares, but where the spec gives a threshold of its own."""

    def shared(measure: f.Measured) -> f.Measured:
        return lambda true, given: measure(true, of_shares(given))

    found = [
        accuracy,
        Measure("categorical_accuracy", "categorical_accuracy", f.right_class),
        Measure({"one_hot_mean_io_u": units}, "one_hot_mean_io_u", f.overlap(list(range(units)))),
        Measure({"precision": {"class_id": 1}}, "precision", shared(_precision(0.5, 1))),
        Measure("auc", "auc", shared(f.area), apart=True),
        Measure({"recall": {"thresholds": 0.3}}, "recall", _recall(0.3)),
    ]
    if units > 2:
        found.append(Measure({"top_k_categorical_accuracy": 2}, "top_k_categorical_accuracy", f.among(2)))
    if not place:
        average, beta = str(chance.choice(["micro", "macro", "weighted"])), float(chance.choice([0.5, 2.0]))
        found.append(Measure({"f1_score": average}, "f1_score", f.f_score(average, 1, None)))
        entry = {"f_beta_score": {"average": average, "beta": beta, "threshold": 0.4}}
        found.append(Measure(entry, "f_beta_score", f.f_score(average, beta, 0.4)))
    return found


def _precision(threshold: float, unit: int | None = None) -> f.Measured:
    return f.rate(metrics.precision_score, threshold, unit)


def _recall(threshold: float, unit: int | None = None) -> f.Measured:
    return f.rate(metrics.recall_score, threshold, unit)


def _of_yes(chance: np.random.Generator, place: str, threshold: float, units: int) -> list[Measure]:
    """Measures of yes and no, cut where the loss cuts or at a threshold of the spec."""
    own = threshold + round(float(chance.uniform(-0.2, 0.2)), 2)
    found = [
        Measure("accuracy", "accuracy", f.right_answers(threshold)),
        Measure("binary_accuracy", "binary_accuracy", f.right_answers(threshold)),
        Measure({"binary_accuracy": {"threshold": own, "name": "own"}}, "own", f.right_answers(own)),
        Measure("precision", "precision", _precision(threshold)),
        Measure("recall", "recall", _recall(threshold)),
        Measure({"precision": {"thresholds": own, "name": "strict"}}, "strict", _precision(own)),
        Measure("true_positives", "true_positives", f.cells(of_yes=True, right=True, threshold=threshold)),
        Measure({"false_negatives": own}, "false_negatives", f.cells(of_yes=False, right=False, threshold=own)),
        Measure("auc", "auc", f.area, apart=True),
        Measure({"auc": {"curve": "PR", "name": "pr"}}, "pr", f.area_of_precision, apart=True),
        Measure({"precision_at_recall": 0.6}, "precision_at_recall", f.best_precision(0.6), apart=True),
        Measure({"sensitivity_at_specificity": 0.5}, "sensitivity_at_specificity", f.best_sensitivity(0.5), apart=True),
        Measure("binary_io_u", "binary_io_u", f.overlap([0, 1], threshold=threshold)),
    ]
    if units > 1:
        found.append(Measure({"recall": {"class_id": 1, "name": "second"}}, "second", _recall(threshold, 1)))
        if not place:
            found.append(Measure({"auc": {"multi_label": True, "name": "each"}}, "each", f.areas, apart=True))
    if not place:
        found.append(Measure({"f1_score": "macro"}, "f1_score", f.f_score("macro", 1, threshold)))
    return found


def _answers(chance: np.random.Generator, place: str) -> Iterator[Maker]:
    smooth, signed = round(float(chance.uniform(0.05, 0.3)), 2), bool(chance.random() < 0.5)

    def one(
        activation: str, loss: Any, of_loss: f.Loss, threshold: float = 0.5, squash: Any = f.same, **more: Any
    ) -> Maker:
        measures = _of_yes(chance, place, threshold, 1)
        more = {"squash": squash, "threshold": threshold, **more}
        return _maker(chance, place, "yes", measures, 1, activation, loss, of_loss, **more)

    logits = {"from_logits": True}
    yield one("sigmoid", "binary_crossentropy", f.binary(f.same))
    yield one("sigmoid", {"binary_crossentropy": {"label_smoothing": smooth}}, f.binary(f.same, smooth))
    yield one("linear", {"binary_crossentropy": logits}, f.binary(f.sigmoid), 0.0, f.sigmoid)
    yield one("sigmoid", {"binary_focal_crossentropy": {"gamma": 1.5}}, f.binary_focal(f.same, 1.5))
    yield one("linear", {"binary_focal_crossentropy": {"apply_class_balancing": True, "alpha": 0.4, **logits}},
              f.binary_focal(f.sigmoid, 2, 0.4), 0.0, f.sigmoid)  # fmt: skip
    yield one("tanh", "hinge", f.hinge(1), 0.0, f.margin, signed=signed)
    yield one("linear", "squared_hinge", f.hinge(2), 0.0, f.margin, signed=signed)
    yield one("linear", "perceptron", f.perceptron, 0.0, f.margin, signed=signed)
    yield one("linear", "widrow_hoff", f.widrow_hoff, 0.0, f.margin, signed=signed)
    if place == "pixels":
        each = (1, 2, 3)
        yield one("sigmoid", "dice", f.tversky(0.5, 0.5, None))
        yield one("sigmoid", {"dice": {"axis": list(each)}}, f.tversky(0.5, 0.5, each))
        yield one("sigmoid", {"tversky": {"alpha": 0.7, "beta": 0.3, "axis": list(each)}}, f.tversky(0.7, 0.3, each))


def _tags(chance: np.random.Generator, place: str) -> Iterator[Maker]:
    def one(activation: str, loss: Any, of_loss: f.Loss, threshold: float = 0.5, squash: Any = f.same) -> Maker:
        measures = _of_yes(chance, place, threshold, 3)
        return _maker(chance, place, "tags", measures, 3, activation, loss, of_loss, squash=squash, threshold=threshold)

    logits = {"from_logits": True}
    yield one("sigmoid", "binary_crossentropy", f.binary(f.same))
    yield one("linear", {"binary_crossentropy": logits}, f.binary(f.sigmoid), 0.0, f.sigmoid)
    yield one("sigmoid", {"binary_focal_crossentropy": {"gamma": 1}}, f.binary_focal(f.same, 1))


def _numbers(chance: np.random.Generator, place: str) -> Iterator[Maker]:
    units, bound = int(chance.integers(1, 6)), round(float(chance.uniform(0.3, 2)), 1)
    usual = [
        Measure("mae", "mae", f.mean(f.absolute)),
        Measure("mse", "mse", f.mean(f.squares)),
        Measure("root_mean_squared_error", "root_mean_squared_error", f.root),
        Measure("log_cosh_error", "log_cosh_error", f.mean(f.log_cosh)),
    ]
    overall = {"axis": 0}
    if not place:
        usual.append(Measure("r2_score", "r2_score", f.explained))
        usual.append(Measure({"pearson_correlation": overall}, "pearson_correlation", f.correlation(0)))
        lin = f.correlation(0, concordance=True)
        usual.append(Measure({"concordance_correlation": overall}, "concordance_correlation", lin))
    if units > 1:
        usual.append(Measure("cosine_similarity", "cosine_similarity", f.mean(f.cosine)))
    if units > 2:
        usual.append(Measure("pearson_correlation", "pearson_correlation", f.correlation(-1)))
        usual.append(Measure("concordance_correlation", "concordance_correlation", f.correlation(-1, concordance=True)))
    counted = [
        *usual,
        Measure("msle", "msle", f.mean(f.logarithmic)),
        Measure("mape", "mape", f.mean(f.percentage)),
        Measure("poisson", "poisson", f.mean(f.poisson)),
    ]

    def one(loss: Any, of_loss: f.Loss, activation: str = "linear", holds: str = "any") -> Maker:
        measures = usual if holds == "any" else counted
        return _maker(chance, place, "numbers", measures, units, activation, loss, of_loss, holds=holds)

    yield one("mse", f.squares)
    yield one("mae", f.absolute)
    yield one({"huber": {"delta": bound}}, f.huber(bound))
    yield one("log_cosh", f.log_cosh)
    yield one("msle", f.logarithmic, "softplus", "counts")
    yield one("mape", f.percentage, "softplus", "counts")
    yield one("poisson", f.poisson, "exponential", "counts")
    if units > 1:
        yield one("cosine_similarity", lambda true, given: -f.cosine(true, given))


def _shares(chance: np.random.Generator, place: str) -> Iterator[Maker]:
    """Numbers between 0 and 1 under a crossentropy, such as grey values."""
    units = int(chance.integers(1, 4))

    def one(activation: str, loss: Any, squash: Callable[[Array], Array]) -> Maker:
        more = {"squash": squash, "holds": "shares"}
        return _maker(chance, place, "numbers", [], units, activation, loss, f.binary(squash), **more)

    yield one("sigmoid", "binary_crossentropy", f.same)
    yield one("linear", {"binary_crossentropy": {"from_logits": True}}, f.sigmoid)
