"""What a training leaves behind: its figures, and the model that answers."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.api.problems import as_exceptions

if TYPE_CHECKING:
    from dlspec.core.documents.report import Report
    from dlspec.core.errors import Diagnostic
    from dlspec.training.saved import SavedRun


def open_run(run: str | Path = "latest", *, runs: str | Path = "runs", allow_code: bool = False) -> Run:
    """A run that is on the disk.

    Args:
        run: Its folder, its id or the beginning of one, a spec's name (the newest run), or ``latest``.
        runs: The folder of all runs.
        allow_code: Whether the Python files that it brings along may run.

    Raises:
        InvalidSpec: E521, there is none.
    """
    from dlspec.views.pages.index import find_run

    with as_exceptions():
        return Run(find_run(str(run), Path(runs)).path, allow_code)


class Run:
    """A run: what ``report.json`` says, and the kept model."""

    def __init__(self, path: Path, allow_code: bool = False) -> None:
        self.path = path
        self._allow_code = allow_code

    def __repr__(self) -> str:
        return f"<dlspec.Run {self.path}>"

    @property
    def report(self) -> Report:
        """The report, as ``schemas/report.json`` describes it."""
        from dlspec.views.pages.index import Run as Folder

        return Folder(self.path).facts

    @property
    def metrics(self) -> dict[str, dict[str, float | None]]:
        """Loss and metrics of the kept weights, by part: ``run.metrics["test"]["accuracy"]``."""
        return {part: dict(measured) for part, measured in self.report["metrics"].items()}

    @property
    def history(self) -> dict[str, list[float | None]]:
        """What ``metrics.csv`` holds: a list for each measure, with a number for each epoch."""
        import csv

        with (self.path / "metrics.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {name: [float(row[name]) if row[name] else None for row in rows] for name in (rows[0] if rows else ())}

    @property
    def model(self) -> Any:
        """The kept Keras model, preparation included: it takes raw values."""
        return self._saved.model

    @cached_property
    def _saved(self) -> SavedRun:
        from dlspec.backends.keras import starting
        from dlspec.training.saved import open_run as open_saved
        from dlspec.views.pages.index import Run as Folder

        with as_exceptions():
            saved = open_saved(Folder(self.path), allow_code=self._allow_code)
        starting.start()
        return saved

    def predict(self, examples: Any, *, keep: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Answers for new examples, as ``dlspec predict`` gives them: a dictionary for each.

        Args:
            examples: A data frame, a dictionary of columns (lists or arrays), or the path of a file or folder. Values
                are raw, as those of the training were.
            keep: Columns that are handed on beside the answers.

        Raises:
            InvalidSpec: The examples do not fit the model.
        """
        from dlspec.training.predict import predict

        saved = self._saved
        with tempfile.TemporaryDirectory() as folder, as_exceptions():
            path = _path_of(examples, Path(folder))
            return [row for piece in predict(saved, path, keep=keep) for row in piece.objects()]

    def evaluate(
        self, examples: Any = None, *, parts: Sequence[str] = ("train", "validation", "test")
    ) -> dict[str, dict[str, float | None]]:
        """Measures the kept model again, as ``dlspec evaluate`` does: a dictionary of measures by part.

        Args:
            examples: With labels, as for :meth:`predict`; their part is called ``examples``. The run's own unless
                given.
            parts: Which parts of the run's own examples.

        Raises:
            InvalidSpec: The data are gone, changed, or do not fit.
        """
        import warnings

        from dlspec.training.evaluate import evaluate

        def warn(problem: Diagnostic) -> None:
            warnings.warn(f"{problem.code}: {problem.message}", stacklevel=3)

        saved = self._saved
        with tempfile.TemporaryDirectory() as folder, as_exceptions():
            path = None if examples is None else _path_of(examples, Path(folder))
            metrics = evaluate(saved, path, parts, warn=warn)["metrics"]
        return {part if path is None else "examples": dict(measured) for part, measured in metrics.items()}

    def export(self, path: str | Path, to: str = "keras", *, force: bool = False) -> Path:
        """Writes the trained model in another format, and compares it with Keras before it is put in place.

        Args:
            path: The file, or the folder of a SavedModel.
            to: ``keras``, ``savedmodel``, ``onnx`` or ``litert``.
            force: Whether what is there is replaced.

        Raises:
            ValueError: There is no such format.
            FileExistsError: There is something.
            InvalidSpec: The format cannot hold the model, a package is missing, or the results differ.
        """
        from dlspec.export.formats.base import require_fit, require_packages
        from dlspec.export.formats.export import FORMATS, export
        from dlspec.export.formats.origin import check_run, traits_of_run

        if to not in FORMATS:
            raise ValueError(f"no such format `{to}`; one of {', '.join(FORMATS)}")
        target, form = Path(path), FORMATS[to]()
        if target.exists() and not force:
            raise FileExistsError(f"`{target}` exists; `force=True` replaces it")
        with as_exceptions():
            require_packages(type(form))
            check_run(self.path)
            require_fit(form, traits_of_run(self.path, allow_code=self._allow_code))
            return export(self.model, form, target).path

    def _repr_html_(self) -> str:
        parts = self.metrics
        names = list(dict.fromkeys(name for measured in parts.values() for name in measured))
        head = "".join(f"<th>{escape(name)}</th>" for name in ("", *names))
        rows = "".join(
            f"<tr><th>{escape(part)}</th>{''.join(f'<td>{_number(measured.get(name))}</td>' for name in names)}</tr>"
            for part, measured in parts.items()
        )
        return f"<table><tr>{head}</tr>{rows}</table><p>{escape(str(self.path))}</p>"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _path_of(examples: Any, folder: Path) -> Path:
    """The path of examples; those in memory are written into a folder."""
    return Path(examples) if isinstance(examples, str | Path) else write_examples(examples, folder)


def write_examples(examples: Any, folder: Path) -> Path:
    """Writes columns into a folder: as a table, or as an archive where a column has more than one axis.

    Args:
        examples: A data frame, or columns by name.
        folder: Where the file goes.
    """
    import numpy as np

    names = list(
        examples if isinstance(examples, Mapping) else examples.columns if hasattr(examples, "columns") else ()
    )
    if not names:
        raise TypeError("examples are a data frame, a dictionary of columns, or a path")
    columns = {str(name): np.asarray(examples[name]) for name in names}
    if all(column.ndim == 1 for column in columns.values()):
        import pyarrow as pa
        from pyarrow import parquet

        path = folder / "examples.parquet"
        parquet.write_table(pa.table({name: pa.array(column.tolist()) for name, column in columns.items()}), path)
        return path
    path = folder / "examples.npz"
    np.savez(path, allow_pickle=False, **columns)
    return path
