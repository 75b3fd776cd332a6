"""The base of formats: packages, limits, writing, and reading for comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from dlspec.core.errors import Diagnostic, SpecError
from dlspec.export.formats.traits import Trait

Arrays = Mapping[str, Any]
Reader = Callable[[Arrays], Arrays]


OTHERS = "`--to savedmodel` and `--to keras` hold every model"
_KERAS = "`--to keras` holds every model"


class Format:
    """Base of the formats.

    Class attributes:
        name: What stands behind ``--to``.
        title: How messages call it.
        suffix: Ending of the file; "" for a format that is a folder.
        exact: Whether what is written computes the same as Keras.
        holds_everything: Whether it takes every model that Keras builds.
        writers: Packages that writing needs beside Keras and TensorFlow.
        readers: Packages of which one is needed for reading the result again; none where Keras and TensorFlow suffice.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    suffix: ClassVar[str]
    exact: ClassVar[bool] = True
    holds_everything: ClassVar[bool] = False
    writers: ClassVar[tuple[str, ...]] = ()
    readers: ClassVar[tuple[str, ...]] = ()

    def refused(self, trait: Trait) -> Diagnostic | None:
        """Why the format cannot hold a model of this trait, or None where it can."""
        return None

    def write(self, model: Any, named: Any, path: Path) -> None:
        """Writes a model to a file or folder.

        Args:
            model: The model as it was built or loaded.
            named: The same model at inference with a dict of outputs by name, which the exporters pass on.
            path: A file or folder that does not exist yet, with the suffix of the format.

        Raises:
            Exception: Whatever the exporter raises where it cannot hold the model.
        """
        raise NotImplementedError

    def open(self, path: Path, named: Any) -> Reader:
        """A function that runs the written model on a batch of inputs.

        Args:
            path: What :meth:`write` wrote.
            named: As there.

        Returns:
            A function from inputs to outputs, both NumPy arrays by name.
        """
        raise NotImplementedError

    @classmethod
    def missing_writers(cls) -> list[str]:
        """Packages to install before anything can be written."""
        return [package for package in cls.writers if not installed(package)]

    @classmethod
    def missing_reader(cls) -> str:
        """The package to install before the result can be verified, or ""."""
        if not cls.readers or any(installed(package) for package in cls.readers):
            return ""
        return cls.readers[0]


def installed(package: str) -> bool:
    """Whether a package can be imported; it is not imported."""
    try:
        return find_spec(package.replace("-", "_")) is not None
    except ModuleNotFoundError:  # the parent of a submodule
        return False


def require_packages(form: type[Format]) -> None:
    """Says which packages a format lacks, before TensorFlow starts.

    Raises:
        SpecError: E703.
    """
    missing = form.missing_writers()
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        install = " ".join([*missing, *filter(None, [form.missing_reader()])])
        raise SpecError([Diagnostic("E703", f"writing {form.title} needs {names}", None, f"pip install {install}")])


def require_fit(form: Format, traits: Sequence[Trait]) -> None:
    """Says what the format is known not to hold.

    Raises:
        SpecError: E702, one for each part of the model that does not fit.
    """
    mistakes = [_lacking(form, trait) if form.name in trait.formats else form.refused(trait) for trait in traits]
    problems = [problem for problem in mistakes if problem is not None]
    if problems:
        raise SpecError(problems)


def _lacking(form: Format, trait: Trait) -> Diagnostic:
    text = f"{form.title} has no operations for `{trait.what}`"
    text += f", `{trait.name}`" if trait.name != trait.what else ""
    return Diagnostic("E702", text, trait.span, _KERAS if "savedmodel" in trait.formats else OTHERS)
