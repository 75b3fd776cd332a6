"""Specs as estimators of scikit-learn: they fit arrays and data frames, and stand in its pipelines and searches.

The protocol is followed without inheriting from scikit-learn's classes, so that these are there without it; it is
imported where its checks are called.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import weakref
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.api.run import Run
from dlspec.api.spec import load
from dlspec.api.spec_data import Examples, named_columns, spec_for

if TYPE_CHECKING:
    from dlspec.api.spec import Spec

_PARAMETERS = ("spec", "settings", "runs", "allow_code")
_LEFT_OUT = ("checkpoints", "report.html", "pictures")  # of a run, in a pickle


class _Kept:
    """A trained run that goes along where its estimator is pickled.

    Args:
        run: The run.
        home: The temporary folder that it stands in, which goes with the last that knows the run; None where somebody
            keeps it.
        allow_code: Whether the Python files that it brings along may run.
    """

    def __init__(self, run: Run, home: str | None, allow_code: bool) -> None:
        self.run, self._allow_code = run, allow_code
        if home is not None:
            weakref.finalize(run, shutil.rmtree, home, ignore_errors=True)

    def __reduce__(self) -> tuple[Any, ...]:
        packed, path = io.BytesIO(), self.run.path
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(path.rglob("*")):
                inside = file.relative_to(path)
                if file.is_file() and inside.parts[0] not in _LEFT_OUT:
                    archive.write(file, inside.as_posix())
        return _unpacked, (path.name, packed.getvalue(), self._allow_code)


def _unpacked(name: str, files: bytes, allow_code: bool) -> _Kept:
    """A run out of a pickle, in a temporary folder."""
    home = tempfile.mkdtemp(prefix="dlspec-")
    with zipfile.ZipFile(io.BytesIO(files)) as archive:
        archive.extractall(Path(home) / name)
    return _Kept(Run(Path(home) / name, allow_code), home, allow_code)


class SpecEstimator:
    """An estimator that trains a spec: what classifiers and regressors have in common.

    Args:
        spec: A file, a dictionary, or a `Spec`; a small network where None. Its `data` says how columns enter and what
            share is kept for validation; where the data come from is replaced by what is fitted.
        settings: Keys that are overridden, as `--set` does: ``{"params.width": 64, "train.epochs": 5}``.
        runs: The folder in which run folders are kept; a temporary one where None.
        allow_code: Whether the Python files of the spec's `extensions` may run.
    """

    _kind = ""

    def __init__(
        self,
        spec: Any = None,
        settings: Mapping[str, Any] | None = None,
        runs: str | Path | None = None,
        allow_code: bool = False,
    ) -> None:
        self.spec = spec
        self.settings = settings
        self.runs = runs
        self.allow_code = allow_code

    def __repr__(self) -> str:
        given = [(name, getattr(self, name)) for name in _PARAMETERS]
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given if value)})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What the estimator was made with, by name; specs hold no parameters of their own for scikit-learn."""
        return {name: getattr(self, name) for name in _PARAMETERS}

    def set_params(self, **params: Any) -> Any:
        """Changes what it is made with.

        Raises:
            ValueError: There is no such parameter.
        """
        for name, value in params.items():
            if name not in _PARAMETERS:
                raise ValueError(f"no parameter `{name}`; one of {', '.join(_PARAMETERS)}")
            setattr(self, name, value)
        return self

    @property
    def run_(self) -> Run:
        """The run of the last fit: its measures, its report, its model."""
        self._require_fit()
        return self._kept_.run

    def _require_fit(self) -> None:
        if not hasattr(self, "_kept_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(f"this {type(self).__name__} is not fitted yet: call `fit` first")

    def _tags(self, **kinds: Any) -> Any:
        from sklearn.utils import Tags, TargetTags

        target = TargetTags(required=True)
        empty: dict[str, Any] = {"transformer_tags": None, "classifier_tags": None, "regressor_tags": None}
        return Tags(estimator_type=self._kind, target_tags=target, **{**empty, **kinds})

    def _labelled(self, X: Any, y: Any) -> tuple[Examples, Any]:
        """Checked examples, and the target as one column, shape [examples].

        Raises:
            ValueError: There is no target, or they are no such examples.
        """
        from sklearn.utils.validation import check_consistent_length, column_or_1d

        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None")
        examples, target = self._examples(X, reset=True), column_or_1d(y, warn=True)
        check_consistent_length(X, target)
        return examples, target

    def _examples(self, X: Any, *, reset: bool) -> Examples:
        """Checked examples: a table of columns where the spec names them, else an array, shape [examples, features]."""
        from sklearn.utils.validation import validate_data

        if reset:
            self.columns_ = named_columns(self.spec, X)
        if self.columns_:
            validate_data(self, X, reset=reset, skip_check_array=True)
            return {name: X[name] for name in self.columns_}
        array = validate_data(self, X, reset=reset, dtype="numeric", ensure_min_samples=2 if reset else 1)
        return {"x": array.astype("float64", copy=False)}

    def _train(self, examples: Examples, target: Any, params: Mapping[str, Any]) -> None:
        """Trains a run with these examples as its data."""
        home = tempfile.mkdtemp(prefix="dlspec-") if self.runs is None else None
        with ExitStack() as failing:
            if home is not None:
                failing.callback(shutil.rmtree, home, ignore_errors=True)
            with tempfile.TemporaryDirectory(prefix="dlspec-") as folder:
                spec = self._spec(examples, target, Path(folder), params)
                run = spec.train(runs=home or self.runs or "runs", new=True, progress=False)
            failing.pop_all()
        self._kept_ = _Kept(Run(run.path, self.allow_code), home, self.allow_code)

    def _spec(self, examples: Examples, target: Any, folder: Path, params: Mapping[str, Any]) -> Spec:
        written, home = spec_for(self.spec, self._kind, examples, target, folder, params)
        return load(written, self.settings or {}, folder=home, allow_outside=home != folder, allow_code=self.allow_code)

    def _answers(self, X: Any) -> list[dict[str, Any]]:
        self._require_fit()
        examples = self._examples(X, reset=False)
        return self._kept_.run.predict(examples)

    def _output(self, answers: Sequence[Mapping[str, Any]]) -> str:
        """The name of the target among the keys of an answer."""
        return next(key for key in answers[0] if key != "example")


class DlspecClassifier(SpecEstimator):
    """Classes by a spec whose output is one of them: a softmax over classes, or a sigmoid.

    Where the spec has a parameter `classes`, it is set to their number. See :class:`SpecEstimator` for what it takes.
    """

    _kind = "classifier"
    _estimator_type = "classifier"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags

        return self._tags(classifier_tags=ClassifierTags())

    def fit(self, X: Any, y: Any) -> DlspecClassifier:
        """Trains the spec.

        Args:
            X: An array, shape [examples, features], or a data frame with the columns that the spec names.
            y: A class for each example: numbers or texts.

        Raises:
            ValueError: They are no such examples.
            InvalidSpec: The spec has errors, does not fit them, or its training failed.
        """
        import numpy as np
        from sklearn.utils.multiclass import check_classification_targets

        examples, labels = self._labelled(X, y)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"{type(self).__name__} needs 2 classes or more; the data have one class")
        self._train(examples, numbers, {"classes": len(self.classes_)})
        return self

    def predict(self, X: Any) -> Any:
        """The class of each example, shape [examples]."""
        import numpy as np

        answers = self._answers(X)
        output = self._output(answers)
        return self.classes_[np.array([int(answer[output]) for answer in answers])]

    def predict_proba(self, X: Any) -> Any:
        """Probabilities in the order of `classes_`, shape [examples, classes]."""
        import numpy as np

        answers = self._answers(X)
        output = self._output(answers)
        if f"{output} probabilities" in answers[0]:
            given = [list(answer[f"{output} probabilities"].values()) for answer in answers]
            scores = np.array(given, "float64")
        else:  # a sigmoid: of the class that is answered
            sure = np.array([answer[f"{output} probability"] for answer in answers], "float64")
            yes = np.where([int(answer[output]) == 1 for answer in answers], sure, 1 - sure)
            scores = np.stack([1 - yes, yes], axis=1)
        return scores / scores.sum(axis=1, keepdims=True)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of right answers."""
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(y, self.predict(X), sample_weight=sample_weight))


class DlspecRegressor(SpecEstimator):
    """Numbers by a spec whose output is one number. See :class:`SpecEstimator` for what it takes."""

    _kind = "regressor"
    _estimator_type = "regressor"

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import RegressorTags

        return self._tags(regressor_tags=RegressorTags())

    def fit(self, X: Any, y: Any) -> DlspecRegressor:
        """Trains the spec.

        Args:
            X: An array, shape [examples, features], or a data frame with the columns that the spec names.
            y: A number for each example.

        Raises:
            ValueError: They are no such examples.
            InvalidSpec: The spec has errors, does not fit them, or its training failed.
        """
        from sklearn.utils.validation import check_array

        examples, target = self._labelled(X, y)
        numbers = check_array(target, ensure_2d=False, dtype="float64", input_name="y")
        self._train(examples, numbers, {})
        return self

    def predict(self, X: Any) -> Any:
        """A number for each example, shape [examples]."""
        import numpy as np

        answers = self._answers(X)
        output = self._output(answers)
        return np.array([answer[output] for answer in answers], "float64").reshape(len(answers))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R², the share of the variance that is explained."""
        from sklearn.metrics import r2_score

        return float(r2_score(y, self.predict(X), sample_weight=sample_weight))
