"""Diagnostics as a program and a notebook see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import overload

from dlspec.core.errors import Diagnostic, Problem, SpecError
from dlspec.passes.state import Compilation


class Diagnostics(Sequence[Diagnostic]):
    """Problems of a spec in the order of its text; printed, they look as those of ``dlspec check``."""

    def __init__(self, items: Sequence[Diagnostic], texts: Mapping[str, str]) -> None:
        self._items = tuple(items)
        self._texts = texts

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Diagnostic: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Diagnostic]: ...

    def __getitem__(self, index: int | slice) -> Diagnostic | Sequence[Diagnostic]:
        return self._items[index]

    @property
    def errors(self) -> list[Diagnostic]:
        """Those that keep the model from being built."""
        return [item for item in self._items if item.severity == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        """The others."""
        return [item for item in self._items if item.severity == "warning"]

    def __str__(self) -> str:
        from dlspec.cli.render import render

        return render(self._items, self._texts, "text") if self._items else "no problems"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


class InvalidSpec(SpecError):
    """A spec, or what it is used for, has errors.

    Attributes:
        diagnostics: All of them, warnings included.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], texts: Mapping[str, str] | None = None) -> None:
        super().__init__(diagnostics)
        self._shown = Diagnostics(diagnostics, texts or {})

    def __str__(self) -> str:
        return f"\n{self._shown}"

    def _repr_html_(self) -> str:
        return self._shown._repr_html_()


@contextmanager
def as_exceptions(state: Compilation | None = None) -> Iterator[None]:
    """Whatever dlspec finds wrong inside becomes an :class:`InvalidSpec`.

    Args:
        state: The spec whose text messages show.
    """
    texts = state.texts if state is not None else {}
    try:
        yield
    except InvalidSpec:
        raise
    except SpecError as error:
        raise InvalidSpec(error.diagnostics, texts) from error
    except Problem as problem:
        raise InvalidSpec([problem.at(None)], texts) from problem
