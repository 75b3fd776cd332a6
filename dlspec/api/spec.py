"""A spec: a file or a dictionary that is checked, shown, built, trained, searched and exported."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import nullcontext, redirect_stdout
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.api.problems import Diagnostics, InvalidSpec, as_exceptions
from dlspec.api.study import Study
from dlspec.core.workspace import Workspace
from dlspec.passes import Checked, Compilation, compile_spec
from dlspec.syntax.dumping import dump, flow

if TYPE_CHECKING:
    from dlspec.api.run import Run
    from dlspec.core.documents.model import Model
    from dlspec.passes.state import Trainable
    from dlspec.syntax.source import Document


def load(
    spec: str | Path | Mapping[str, Any],
    settings: Mapping[str, Any] | None = None,
    /,
    *,
    folder: str | Path | None = None,
    allow_outside: bool = False,
    allow_code: bool = False,
    **params: Any,
) -> Spec:
    """A spec from a file or from a dictionary. Nothing is read before something is asked of it.

    Args:
        spec: The path of a YAML file, or what would stand in it.
        settings: Keys to override, as ``--set`` does: ``{"train.epochs": 5}``.
        folder: Where the paths of a spec start; the file's folder, or the current one for a dictionary.
        allow_outside: Whether the spec may read files outside of that folder.
        allow_code: Whether the Python files of its ``extensions`` may run.
        **params: Values of the spec's own parameters: ``width=64``.

    Raises:
        InvalidSpec: E109, a setting cannot be made; only once something is asked of the spec.
    """
    values = {**(settings or {}), **{f"params.{name}": value for name, value in params.items()}}
    home = Path(folder) if folder is not None else None
    if isinstance(spec, Mapping):
        path = (home or Path()) / "spec.yaml"
        workspace = Workspace(home, allow_outside, allow_code, texts={path: dump(plain(spec))})
    else:
        path, workspace = Path(spec), Workspace(home, allow_outside, allow_code)
    return Spec(path, tuple(f"{key}={flow(plain(value))}" for key, value in values.items()), workspace)


def plain(value: Any) -> Any:
    """Data of YAML: tuples and numbers of NumPy as lists and numbers of Python, paths as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, Path):
        return value.as_posix()
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"a spec holds numbers, text, lists and dictionaries, no {type(value).__name__}")


class Table:
    """A model layer by layer; printed, it looks as ``dlspec show`` does.

    Attributes:
        facts: The figures, as ``schemas/output/show.json`` describes them.
    """

    def __init__(self, facts: Model) -> None:
        self.facts = facts

    @property
    def parameters(self) -> int:
        """Weights of the model that is saved."""
        return self.facts["parameters"]["total"]

    def __str__(self) -> str:
        from dlspec.graph.facts import text_table

        return text_table(self.facts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


class Spec:
    """A spec. Its file is read anew at each call, so that an edit is seen at once."""

    def __init__(self, path: Path, overrides: tuple[str, ...], workspace: Workspace) -> None:
        self.path = path
        self._overrides = overrides
        self._workspace = workspace

    def __repr__(self) -> str:
        settings = "".join(f", {setting}" for setting in self._overrides)
        return f"<dlspec.Spec {self.path}{settings}>"

    def __str__(self) -> str:
        """The text, without settings and what it extends."""
        return self._document().text

    def _document(self) -> Document:
        from dlspec.syntax.source import load as read_text
        from dlspec.syntax.source import read_file

        text = self._workspace.text(self.path)
        return read_file(self.path) if text is None else read_text(text, str(self.path))

    def data(self) -> dict[str, Any]:
        """The spec as a dictionary, with settings and what it extends; {} where it cannot be read."""
        from dlspec.semantics.loading import load_spec

        loaded = load_spec(self.path, self._overrides, self._workspace)
        return dict(plain(loaded.data or {}))

    def _compiled(self) -> Compilation:
        return compile_spec(self.path, self._overrides, self._workspace)

    def _checked(self) -> Checked:
        state = self._compiled()
        if not isinstance(state, Checked):
            raise InvalidSpec(state.diagnostics.sorted(), state.texts)
        return state

    @property
    def name(self) -> str:
        """What its runs are called."""
        return self._checked().name

    @property
    def diagnostics(self) -> Diagnostics:
        """All errors and warnings; nothing is raised."""
        state = self._compiled()
        return Diagnostics(state.diagnostics.sorted(), state.texts)

    def check(self) -> Diagnostics:
        """The warnings of a spec without errors. TensorFlow is not imported.

        Raises:
            InvalidSpec: It has errors.
        """
        state = self._checked()
        return Diagnostics(state.diagnostics.sorted(), state.texts)

    def show(self) -> Table:
        """The model layer by layer: shapes, parameters, FLOPs. TensorFlow is not imported.

        Raises:
            InvalidSpec: The spec has errors.
        """
        from dlspec.graph.facts import facts

        state = self._checked()
        return Table(facts(state.training_graph, state.name, state.adapted))

    def svg(self) -> str:
        """A picture of the model."""
        from dlspec.views.drawing import svg

        state = self._checked()
        return svg(state.training_graph, state.name, "")

    def build(self, seed: int = 0) -> Any:
        """The Keras model with fresh weights.

        Args:
            seed: Of these weights.

        Raises:
            InvalidSpec: The spec has errors.
        """
        state = self._checked()
        from dlspec.backends.keras import starting

        starting.start()
        from dlspec.backends.keras.build import build
        from dlspec.backends.keras.seeding import set_seed

        with as_exceptions(state):
            set_seed(seed)
            return build(state.graph)

    def train(
        self, *, runs: str | Path = "runs", run: str | Path | None = None, new: bool = False, progress: bool = True
    ) -> Run:
        """Trains, as ``dlspec train`` does: a run of the spec that was interrupted goes on.

        Args:
            runs: The folder of all runs.
            run: The run folder; below `runs` unless given. One that is finished is left as it is.
            new: Whether a new run begins in any case.
            progress: Whether epochs are shown while they run.

        Raises:
            InvalidSpec: The spec has errors, lacks a section, or its training failed.
            KeyboardInterrupt: It was interrupted; the same call goes on.
        """
        state = self._checked()
        with as_exceptions(state):
            trainable = state.trainable()
            if trainable.method.study is not None:
                raise TypeError(f"the training of `{self.path}` is a study: call `study()`")
            return _trained(trainable, Path(runs), None if run is None else Path(run), new, progress)

    def study(
        self,
        *,
        runs: str | Path = "runs",
        study: str | Path | None = None,
        new: bool = False,
        workers: int = 1,
        progress: bool = True,
    ) -> Study:
        """Runs all trainings of a spec whose ``method`` is a study, such as ``k_fold``.

        Args:
            runs: The folder of all runs.
            study: The folder of the study; below `runs` unless given. One that is finished is left as it is.
            new: Whether a new study begins in any case.
            workers: Trainings at a time.
            progress: Whether trainings are shown when they end.

        Raises:
            InvalidSpec: The spec has errors, lacks a section, or a training failed.
            TypeError: It trains once.
            KeyboardInterrupt: It was interrupted; the same call goes on.
        """
        from dlspec.cli.studies import study_of

        state = self._checked()
        folder = None if study is None else Path(study)
        with as_exceptions(state):
            trainable = state.trainable()
            if trainable.method.study is None:
                raise TypeError(f"`{self.path}` is trained once: call `train()`")
            again = f"dlspec train {self.path}"
            outcome = study_of(
                trainable, Path(runs), folder, new=new, workers=workers, quiet=not progress, command=again
            )
        if isinstance(outcome, int):
            raise KeyboardInterrupt
        return Study(*outcome)

    def tune(
        self,
        *,
        runs: str | Path = "runs",
        search: str | Path | None = None,
        new: bool = False,
        workers: int = 1,
        progress: bool = True,
    ) -> Search:
        """Searches for the best values of the parameters, as ``dlspec tune`` does.

        Args:
            runs: The folder of all runs.
            search: The folder of the search; below `runs` unless given.
            new: Whether a new search begins in any case.
            workers: Trials at a time. Trials read the spec's file, so that a dictionary has one worker.
            progress: Whether trials are shown while they run.

        Raises:
            InvalidSpec: The spec has errors, or lacks a section.
            KeyboardInterrupt: It was interrupted; the same call goes on.
        """
        from dlspec.cli.commands.tune import search_spec

        state = self._checked()
        if self._workspace.texts:
            raise TypeError("a search reads the spec's file: write the dictionary into one")
        folder = None if search is None else Path(search)
        with as_exceptions(state):
            shown = nullcontext() if progress else redirect_stdout(io.StringIO())
            with shown:
                outcome = search_spec(state.searchable(), Path(runs), folder, new, workers, None, not progress)
        if isinstance(outcome, int):
            raise KeyboardInterrupt
        return Search(outcome, self.path)

    def python(self) -> str:
        """A module of plain Python with ``build_model()``, which needs nothing of dlspec.

        Raises:
            InvalidSpec: The spec has errors, or a layer that has no form in Python.
        """
        from dlspec.export.python.module import emit_model

        state = self._checked()
        with as_exceptions(state):
            return emit_model(state)

    def export(self, path: str | Path, *, force: bool = False) -> Path:
        """Writes the module of :meth:`python`; a trained model is exported from its run.

        Args:
            path: The file.
            force: Whether a file that is there is replaced.

        Raises:
            FileExistsError: There is one.
            InvalidSpec: As for :meth:`python`.
        """
        from dlspec.core.files import write_atomically

        target, text = Path(path), self.python()
        if target.exists() and not force:
            raise FileExistsError(f"`{target}` exists; `force=True` replaces it")
        write_atomically(target, lambda file: file.write_text(text, encoding="utf-8"))
        return target

    def project(self, folder: str | Path, *, force: bool = False) -> Path:
        """Writes a project of plain Keras code that trains the same, as ``dlspec export --project`` does.

        Args:
            folder: Where it goes.
            force: Whether files that are there are replaced.

        Raises:
            FileExistsError: The folder is not empty.
            InvalidSpec: The spec has errors, lacks a section, or holds something that has no form in Python.
        """
        from dlspec.cli.project import project_files, write_files

        target, state = Path(folder), self._checked()
        if target.exists() and not (target.is_dir() and (force or not any(target.iterdir()))):
            raise FileExistsError(f"`{target}` is not empty; `force=True` replaces its files")
        with as_exceptions(state):
            write_files(project_files(state, target), state.training_graph, target)
        return target

    def _repr_html_(self) -> str:
        state = self._compiled()
        if not isinstance(state, Checked):
            return Diagnostics(state.diagnostics.sorted(), state.texts)._repr_html_()
        return f"<div>{self.svg()}</div>{self.show()._repr_html_()}"


class Search:
    """A search that is over.

    Attributes:
        path: Its folder.
    """

    def __init__(self, path: Path, spec: Path) -> None:
        self.path = path
        self._spec = spec

    def __repr__(self) -> str:
        return f"<dlspec.Search {self.path}>"

    @property
    def report(self) -> dict[str, Any]:
        """Every trial, as ``schemas/search.json`` describes it."""
        from dlspec.core.files import read_json

        document: dict[str, Any] = read_json(self.path / "search.json")
        return document

    @property
    def best(self) -> Spec:
        """The spec with the best values: it trains as it is."""
        return load(self.path / "best.yaml", folder=self._spec.parent)


def _trained(state: Trainable, runs: Path, folder: Path | None, new: bool, progress: bool) -> Run:
    """The run of a checked spec: a new one, one that went on, or one that was finished before."""
    from dlspec.api.run import Run
    from dlspec.training.run.resume import find

    location = find(runs, state.name, dump(state.data), run=folder, new=new, force=False)
    if location.finished is not None:
        assert location.folder is not None
        return Run(location.folder.path)
    from dlspec.backends.keras import starting

    starting.start()
    from dlspec.training.train import request_of, run

    console = None
    if progress:
        from rich.console import Console

        console = Console()
    return Run(run(request_of(state), runs, location=location, console=console).folder)
