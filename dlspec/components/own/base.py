"""The base of components in a spec's own Python files, which run where the spec may run code."""

from __future__ import annotations

import contextlib
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from dlspec.components.own.reading import OwnClass
from dlspec.components.registry import BUILT_IN, Catalogue, Component, NameTaken, load_attribute
from dlspec.core.errors import Problem

T = TypeVar("T")
_BY_KERAS, _REASON = "Exception encountered when calling", "Error encountered:"
# Loads Keras without the lines that its backend logs.
_START = "dlspec.backends.keras.starting.start"


class Own(Component, abstract=True):
    """Base of components that a Python file of the spec declares.

    Class attributes:
        own: What the file says of it.
        catalogue: That of the spec, through which its file runs.
    """

    own: ClassVar[OwnClass]
    catalogue: ClassVar[Catalogue] = BUILT_IN

    @property
    def usable(self) -> bool:
        """Whether its file may run."""
        return self.own.module in self.catalogue.files

    def make(self, **extra: Any) -> Any:
        """A new object of the class.

        Raises:
            Problem: E111, the file or the constructor fails.
        """
        arguments = self.made_arguments()
        return self.running(lambda: self.loaded()(**arguments, **extra))

    @classmethod
    def loaded(cls) -> Any:
        """The class itself; asked for inside of :meth:`running`.

        Raises:
            Problem: E111, the file has the name of a module of Python packages.
        """
        try:
            return getattr(cls.catalogue.module(cls.own.module), cls.own.name)
        except NameTaken as error:
            message = f"`{cls.own.module}.py` has the name of a module of Python packages"
            raise Problem("E111", message, "rename it") from error

    @classmethod
    def user_class(cls) -> Any:
        """The class that the spec's file declares.

        Raises:
            Problem: E111, the file fails.
        """
        return cls.running(cls.loaded)

    @classmethod
    def running(cls, action: Callable[[], T]) -> T:
        """The result of `action`; prints of the file's code go to stderr.

        Raises:
            Problem: E111, the code raised something; with the line of the file where it did.
        """
        load_attribute(_START)()
        with contextlib.redirect_stdout(sys.stderr), cls.catalogue.running():
            try:
                return action()
            except Problem:
                raise
            except (Exception, SystemExit) as error:
                raise cls.failed(error) from error

    @classmethod
    def failed(cls, error: BaseException) -> Problem:
        """The problem (E111) that an exception of the file's code becomes for the user."""
        # Keras puts a line of its own before the reason, which it writes in bold.
        text = re.sub(r"\x1b\[[0-9]*m", "", str(error)).rpartition(_REASON)[2]
        lines = [line.strip() for line in text.splitlines()]
        reason = next((line for line in lines if line and not line.startswith(_BY_KERAS)), "no reason given")
        return Problem("E111", f"`{cls.own.name}` raised {type(error).__name__}: {reason} ({cls._line(error)})")

    @classmethod
    def _line(cls, error: BaseException) -> str:
        path = cls.catalogue.files[cls.own.module]
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        if isinstance(error, SyntaxError) and error.filename == str(path):
            lines = [error.lineno]
        return f"{path.name}, line {lines[-1]}" if lines else path.name


class Tried(Own, abstract=True):
    """An own component that is made once when its options are known, so that what fails is said then."""

    def validate(self) -> None:
        """Makes an object of the class, which may raise E111.

        Raises:
            Problem: E111, it cannot be made.
        """
        super().validate()
        if self.usable:
            self.make()
