"""Examples that a function of the user's makes. It runs only where the spec lists its file and the user allows code."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import BUILT_IN, Catalogue, NameTaken, example, plain, text
from dlspec.core.errors import Problem, did_you_mean
from dlspec.core.ir import DTYPES, Tensor
from dlspec.core.pieces import Piece, call
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Source, Table
from dlspec.data.sources.limits import check_memory

if TYPE_CHECKING:
    import numpy as np

# Yielded examples between two looks at the memory that they take.
_LOOK = 1000


class Python(Source):
    """A function that returns a dict of arrays, or yields a dict per example; its first axis counts the examples.

    Its file stands in `extensions` of the spec, and the command line says `--allow-code`. The function runs once per
    command, also for `check`.
    """

    shorthand = "function"
    function = text(pattern=r"^[A-Za-z_]\w*:[A-Za-z_]\w*$", doc="The module and the function: `loading:houses`.")
    arguments = plain({"type": "object"}, default={}, doc="Arguments of the function by name.")
    examples = (example("loading:houses"), example("{function: loading:waves, arguments: {count: 1000, seed: 7}}"))

    _catalogue: Catalogue = BUILT_IN

    def found_in(self, catalogue: object) -> None:
        """Keeps where the function's module is."""
        if isinstance(catalogue, Catalogue):
            self._catalogue = catalogue

    @property
    def modules(self) -> tuple[str, ...]:
        """The module of the function."""
        return (self.function.partition(":")[0],)

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """The module, which goes along, the function, and whether it yields examples one by one."""
        assert isinstance(table, PythonTable)
        module, _, name = self.function.partition(":")
        source = self._catalogue.files[module].read_text(encoding="utf-8")
        lines, values = [Piece("made = {}", call(f"{module}.{name}", **self.arguments))], "np.asarray(made[name])"
        if table.yields:
            lines += [Piece("rows = list(made)")]
            values = "np.array([row[name] for row in rows])"
        arrays = Piece(f"{{{{name: {values} for name in {{}}}}}}", tuple(columns))
        return {"module": module, "lines": lines, "arrays": arrays, "modules": {module: source}}

    def open(self, folder: Path, *, allow_outside: bool = False) -> PythonTable:
        """Finds the module among those that may run.

        Raises:
            Problem: E110, it is none of them.
        """
        module = self.function.partition(":")[0]
        if module not in self._catalogue.files:
            help = f"list it: `extensions: [{module}.py]`, and pass `--allow-code`"
            raise Problem("E110", f"`{module}` is none of the spec's `extensions`", help, "function")
        return PythonTable(self.function, self.arguments, self._catalogue)


class PythonTable(Table):
    """The columns that a function of the spec's own has returned."""

    draws = True

    def __init__(self, function: str, arguments: Mapping[str, Any], catalogue: Catalogue) -> None:
        self._function = function
        self._arguments = arguments
        self.yields = False  # whether the function makes examples one by one; known once it has run
        self._catalogue = catalogue
        self._path = catalogue.files[self._module]

    @property
    def _module(self) -> str:
        return self._function.partition(":")[0]

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """Columns of the arrays that the function has returned."""
        return {name: self._column(name, values) for name, values in self._arrays.items()}

    def read(self, names: Iterable[str]) -> Arrays:
        """The arrays; text as objects."""
        return {name: self._arrays[name] for name in names}

    def where(self, index: int) -> str:
        """Function and number of an example."""
        return f"{self._function}, example {index}"

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """Each array on its own, then all single numbers together."""
        names = [name for name in self.columns if name not in taken]
        numbers = tuple(name for name in names if not self.columns[name].tensor.shape)
        return [numbers] if len(numbers) > 1 else [(name,) for name in names]

    def _column(self, name: str, values: np.ndarray[Any, Any]) -> Column:
        dtype = TEXT if values.dtype == object else values.dtype.name
        if not values.shape or not len(values):
            what = "holds no examples" if values.shape else "is a single value, expected one per example"
            raise self._problem(f"column `{name}` of `{self._function}` {what}")
        if dtype not in DTYPES:
            raise self._problem(f"column `{name}` of `{self._function}` holds values of type {dtype}")
        return Column(Tensor(values.shape[1:], dtype), len(values))

    @cached_property
    def _arrays(self) -> Arrays:
        # What the user's code prints must not stand among our results.
        with contextlib.redirect_stdout(sys.stderr), self._catalogue.running():
            made = self._call(lambda: self._find()(**self._arguments))
            self.yields = not isinstance(made, Mapping)
            if self.yields:
                made = self._call(lambda: self._collected(made))
        if not made:
            raise self._problem(f"`{self._function}` made no columns")
        return {str(name): self._array(str(name), values) for name, values in made.items()}

    def _find(self) -> Callable[..., Any]:
        name = self._function.partition(":")[2]
        try:
            module = self._catalogue.module(self._module)
        except NameTaken as error:
            message = f"`{self._path.name}` has the name of a module of Python packages"
            raise DataProblem("E610", message, "rename it", "function", self._path.name) from error
        function = getattr(module, name, None)
        if not callable(function):
            known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
            message = f"`{self._path.name}` has no function `{name}`"
            raise DataProblem("E610", message, did_you_mean(name, known, guess=True), "function", self._path.name)
        return function  # type: ignore[no-any-return]

    def _call(self, run: Callable[[], Any]) -> Any:
        """Runs the user's code; whatever it raises becomes a problem at its line."""
        try:
            return run()
        except Problem:
            raise
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}".split("\n")[0]
            message = f"`{self._function}` raised {reason}"
            raise DataProblem("E610", message, "", "function", self._line(error)) from error

    def _line(self, error: BaseException) -> str:
        lines = [
            frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(self._path)
        ]
        if isinstance(error, SyntaxError) and error.filename == str(self._path):
            lines = [error.lineno]
        return f"{self._path.name}, line {lines[-1]}" if lines else self._path.name

    def _collected(self, made: Any) -> dict[str, list[Any]]:
        """Yielded examples as columns."""
        if not isinstance(made, Iterator | list | tuple):
            raise self._problem(f"`{self._function}` returned a {type(made).__name__}, expected a dict or a generator")
        columns: dict[str, list[Any]] = {}
        size = 0
        for number, row in enumerate(made):
            if not isinstance(row, Mapping):
                raise self._problem(
                    f"example {number} of `{self._function}` is a {type(row).__name__}, expected a dict"
                )
            if number and row.keys() != columns.keys():
                odd = ", ".join(f"`{name}`" for name in sorted(map(str, row.keys() ^ columns.keys())))
                raise self._problem(f"example {number} of `{self._function}` has other keys than the first: {odd}")
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
                size += getattr(value, "nbytes", 8)
            if number % _LOOK == 0:
                check_memory(size, f"what `{self._function}` yields", self._function, "function")
        return columns

    def _array(self, name: str, values: Any) -> np.ndarray[Any, Any]:
        import numpy as np

        try:
            array = np.asarray(values)
        except ValueError as error:
            raise self._problem(f"column `{name}` of `{self._function}` holds values of different shapes") from error
        if array.dtype.kind == "U":
            return array.astype(object)
        if array.dtype == object:
            odd = [value for value in array.ravel() if not isinstance(value, str)]
            if odd:
                what = f"a {type(odd[0]).__name__}, expected numbers or text"
                raise self._problem(f"column `{name}` of `{self._function}` holds {what}")
        return array

    def _problem(self, message: str) -> DataProblem:
        help = "return a dict of arrays of equal length, or yield dicts with the same keys"
        return DataProblem("E610", message, help, "function", self._path.name)
