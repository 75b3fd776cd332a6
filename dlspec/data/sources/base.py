"""The base of sources, and of opened tables: typed columns, and arrays read on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dlspec.components.registry import Component
from dlspec.core.errors import Problem, did_you_mean, suggestions
from dlspec.core.ir import Tensor
from dlspec.data.sources.finite import finite, too_large
from dlspec.data.sources.remarks import Contents, LeftOut
from dlspec.data.sources.stated import NOTHING, Stated

if TYPE_CHECKING:
    import numpy as np

Arrays = dict[str, "np.ndarray[Any, Any]"]
TEXT = "string"


class DataProblem(Problem):
    """A :class:`Problem` whose culprit stands in a file of data.

    Args:
        where: The file, and the row where there is one: ``houses.csv, line 17``.
    """

    def __init__(self, code: str, message: str, help: str = "", option: str = "", where: str = "") -> None:
        super().__init__(code, message, help, option)
        self.where = where


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a source, known without reading its values.

    Attributes:
        tensor: Shape and dtype of one example; dtype ``string`` is text.
        count: Number of examples.
        label: Whether the column is what the source was collected to predict.
        largest: The largest value that its kind of file can hold; 0 where that is not known.
        indices: How many values it has where they are all whole numbers from 0 on; 0 where reading alone would tell.
        parts: What the numbers of an example are called, where it has several that have names.
        varies: Whether it is known to have more than one value; False where reading alone would tell.
    """

    tensor: Tensor
    count: int
    label: bool = False
    largest: int = 0
    indices: int = 0
    parts: tuple[str, ...] = ()
    varies: bool = False

    @property
    def text(self) -> bool:
        """Whether the values are text."""
        return self.tensor.dtype == TEXT


@dataclass(frozen=True, slots=True)
class Labels:
    """The distinct values of a column, sorted, and how many examples carry each."""

    values: tuple[Any, ...]
    counts: tuple[int, ...]


class Table(ABC):
    """An opened source.

    A number that is missing is NaN, text that is missing is "".

    Attributes:
        streamed: Whether the examples are too large for memory, or made on demand: they are then asked for by
            :meth:`take`, some at a time, and :meth:`read` is called for single columns only.
        blocks: Sizes of the groups of neighbouring examples that are cheap to take together, such as the row groups
            of a Parquet file; None where any examples are. It follows from the files alone, never from the machine,
            since the order of training examples depends on it.
        tolerant: Whether broken examples are to be left out rather than reported as mistakes; set before anything is
            read. A source leaves out itself what never becomes a row, and tells of it in :attr:`skipped`.
        stated: What is known of columns before any is read, where a file alone does not tell their types.
        trouble: What :meth:`take` raised when a pipeline called it, in which errors lose their kind.
        draws: Whether reading runs code of the user's, which may draw random numbers: for training, it is opened
            and read again after the seed is set.
        skipped: Broken examples that the source itself has left out: where, and why. Complete once :attr:`columns` is
            known.
        left_out: What else it has left out. Complete once :attr:`columns` is known.
        fetches: Whether reading starts TensorFlow, and may fetch something from the network.
    """

    streamed: bool = False
    blocks: Sequence[int] | None = None
    tolerant: bool = False
    stated: Stated = NOTHING
    skipped: Sequence[str] = ()
    left_out: Sequence[LeftOut] = ()
    trouble: DataProblem | None = None
    draws: bool = False
    fetches: bool = False

    @property
    @abstractmethod
    def columns(self) -> Mapping[str, Column]:
        """All columns in their order in the files.

        Raises:
            DataProblem: E601 a file is missing or unreadable, E608 its content is broken.
        """

    @abstractmethod
    def read(self, names: Iterable[str]) -> Arrays:
        """The columns `names`, each an array of shape [examples, …] in the dtype of its :class:`Column`.

        Text comes as an array of ``str`` objects. All columns are in the same order of examples.

        Raises:
            DataProblem: E608 the content is broken.
        """

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The examples number `indices` (from 0, in any order, also repeated) of the columns `names`.

        Several threads may call it at a time. A source that is not streamed reads its columns once.

        Raises:
            DataProblem: E608 the content is broken.
        """
        return {name: self.whole(name)[indices] for name in names}

    def pieces(self, names: Sequence[str], size: int) -> Iterator[Arrays]:
        """All examples of the columns `names` in their order, `size` at a time.

        Raises:
            DataProblem: E608 the content is broken.
        """
        import numpy as np

        count = max((self.columns[name].count for name in names), default=0)
        for start in range(0, count, size):
            yield self.take(names, np.arange(start, min(start + size, count)))

    def whole(self, name: str) -> np.ndarray[Any, Any]:
        """The column `name`; read once, unless it is streamed, until :meth:`forget`."""
        if self.streamed:
            return self.read([name])[name]
        kept: Arrays = self.__dict__.setdefault("_columns_read", {})
        if name not in kept:
            kept[name] = self.read([name])[name]
        return kept[name]

    def forget(self) -> None:
        """Lets go of columns that :meth:`whole` has kept in memory."""
        self.__dict__.pop("_columns_read", None)

    @abstractmethod
    def where(self, index: int) -> str:
        """Location of example number `index` (from 0), such as ``houses.csv, line 17``."""

    def labels(self, name: str) -> Labels:
        """Distinct values of the scalar column `name`; read from the data unless a source knows them beforehand."""
        import numpy as np

        values, counts = np.unique(self.read([name])[name], return_counts=True)
        return Labels(tuple(values.tolist()), tuple(counts.tolist()))

    def where_is(self, name: str, value: Any) -> str:
        """Location of the first example with `value` in column `name`."""
        values = self.read([name])[name]
        return self.where(int((values == value).reshape(len(values), -1).any(axis=1).argmax()))

    def not_a_number(self, name: str) -> tuple[str, str] | None:
        """The first value of the text column `name` that reads as no number, and where it stands."""
        for index, value in enumerate(self.read([name])[name].flat):
            try:
                float(value)
            except ValueError:
                return str(value), self.where(index)
        return None

    def gap(self, name: str) -> str:
        """The first word in the text column `name` that was taken for a missing value; "" where there is none."""
        return ""

    def contents(self, name: str, help: str) -> Contents:
        """The content of the text column `name`, for a message that numbers are expected; `help` is for words in it."""
        value = self.not_a_number(name)
        if value is None:
            return Contents("numbers that are written as text", "save them as numbers", self.where(0))
        return Contents(f"text (`{value[0][:40]}`)", help, value[1])

    def as_numbers(self, name: str) -> bool:
        """Takes the text column `name` for one of numbers with some mistakes, which :meth:`faults` then tells of.

        Returns:
            Whether it can: most of its values are numbers, and the source can do so.
        """
        return False

    def faults(self, names: Sequence[str]) -> Mapping[int, str]:
        """Examples that cannot be used since values of `names` are broken, by number, with the reason.

        A number that is missing is no fault; what becomes of it is said elsewhere.
        """
        return {}

    def check(self, names: Sequence[str]) -> None:
        """Looks for values that no training can use. Sources whose values are known to be sound skip this.

        Raises:
            DataProblem: E608, a number is missing or infinite.
        """
        numbers = [name for name in names if self.columns[name].tensor.floating]
        for name in numbers:
            values = self.whole(name)
            sound = finite(values)
            if not sound.all():
                index = int(sound.argmin())
                large = too_large(values[index : index + 1])
                message = f"column `{name}` holds {large or 'a value that is not a finite number'}"
                help = "correct the value, or take larger units" if large else "fill or drop such examples"
                raise DataProblem("E608", message, help, where=self.where(index))

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """Default groups of input columns, the likeliest first, for a spec that names none.

        A group of one is the column as it is; a larger one is stacked.

        Args:
            taken: The columns that are targets.
        """
        return [tuple(name for name in self.columns if name not in taken)]

    def find(self, name: str, option: str) -> Column:
        """The column `name`.

        Raises:
            Problem: E602, there is none; `option` is at fault.
        """
        column = self.columns.get(name)
        if column is None:
            raise Problem("E602", f"the source has no column `{name}`", self._blanks(name) or self._known(name), option)
        return column

    def check_named(self) -> None:  # noqa: B027  most sources name no columns
        """Columns that the source's own options name are there, and hold what these say.

        Raises:
            Problem: E602, E603.
        """

    def strange(self, names: Sequence[str]) -> Problem | None:
        """One problem (E602) in place of many, where none of the columns is there; None where each mistake is its own.

        A spec that was written for other data is one mistake, however many columns it names; names of which most are
        nearly right are mistakes of their own.
        """
        slips = sum(bool(suggestions(name, self.columns)) for name in names)
        if len(names) < 2 or 2 * slips >= len(names):
            return None
        for name in names:
            try:
                self.find(name, "")
            except Problem as problem:
                if problem.code != "E602":
                    return None
            else:
                return None
        return Problem(
            "E602", f"the source has none of the columns that are named: {_listed(names)}", self.known_columns
        )

    def _blanks(self, name: str) -> str:
        """Help where blanks alone, which a file has around its names, make the difference."""
        similar = next((known for known in self.columns if known.strip() == name.strip()), None)
        return f'blanks belong to its name: write `"{similar}"`' if similar is not None else ""

    def _known(self, name: str) -> str:
        return did_you_mean(name, self.columns, guess=True) or self.known_columns

    @property
    def known_columns(self) -> str:
        """A sentence that lists the columns."""
        return f"its columns are {_listed(self.columns)}"


def _listed(names: Iterable[str]) -> str:
    """Names, the first few of many."""
    shown = [f"`{name}`" for name in names]
    return ", ".join([*shown[:8], *(["…"] if len(shown) > 8 else [])])


class Source(Component, abstract=True):
    """Base of all data sources.

    Attributes:
        suffixes: Endings of the files that it reads; () where any file will do, or it reads none.
        unpacks: Whether it reads such files also where they are packed, as `.csv.gz` is.
        for_folders: Name of the source that reads a folder of further examples, as `predict` is given one.
        decodes: Whether it decodes files of images or sounds.
        table: The source inside that lists what to read; None for none.
        inner: The option with the source inside whose place other files take, such as those for `predict`.
        size: Height and width of decoded images; None for their own.
        channels: Of decoded images or sounds; None for their own.
        values: Values of pixels of masks, in the order of the classes; None for class numbers.
    """

    kind = "source"
    suffixes: ClassVar[tuple[str, ...]] = ()
    unpacks: ClassVar[bool] = False
    for_folders: ClassVar[str] = "image_folder"
    decodes: ClassVar[bool] = False
    table: Any = None
    inner: ClassVar[str] = "table"
    size: Any = None
    channels: Any = None
    values: Any = None

    @property
    def modules(self) -> tuple[str, ...]:
        """The spec's own Python files that it runs, as modules."""
        return ()

    @property
    def gaps(self) -> tuple[str, ...]:
        """Words that stand for a missing value since the spec says so; of a source over a table, in that table."""
        return self.table.gaps if isinstance(self.table, Source) else ()

    @property
    def usual_gaps(self) -> tuple[str, ...]:
        """Words for a missing value that are usual in files of its kind; () where the files say themselves what is."""
        return self.table.usual_gaps if isinstance(self.table, Source) else ()

    def open(self, folder: Path, *, allow_outside: bool = False) -> Table:
        """Opens the source; nothing is read before it is needed.

        Args:
            folder: The folder of the spec, from which relative paths start.
            allow_outside: Whether absolute paths and paths above `folder` are allowed.

        Raises:
            Problem: E108, a path leads outside.
            DataProblem: E601, a file or folder is missing.
        """
        raise NotImplementedError

    def splitter(self) -> Component | None:
        """The default splitter of the source; None for a random split."""
        return None

    def named_files(self, folder: Path, *, allow_outside: bool = False) -> Iterable[str]:
        """Paths that stand in the content of the source; none where something is wrong with it, which others say."""
        return ()

    @property
    def pictures(self) -> tuple[str, ...]:
        """Columns of images, which are decoded batch by batch where they are too large for memory."""
        return ()

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """Values for the source's template ``templates/python/sources/<name>.py.jinja``, beside its options.

        The template holds the function of generated projects that gives the arrays that :meth:`Table.read` gives. It
        knows ``function``, the function's name, ``source`` and ``columns``. It decides nothing: what depends on options
        is given as :class:`dlspec.core.pieces.Piece`, for expressions and lines.

        Three keys have a meaning of their own: ``refused``, in words what no project can read; ``inner``, sources that
        this one reads, each with its columns and opened table, by the word under which the template finds a call that
        reads it, as in ``inner.table``; and ``modules``, text of modules of the user's by name.

        Args:
            columns: The columns that the project reads.
            table: The opened source.
        """
        return {}

    def columns(self, folder: Path, *, allow_outside: bool = False) -> Mapping[str, Column]:
        """Static facts of every column. See :meth:`open` and :attr:`Table.columns`."""
        return self.open(folder, allow_outside=allow_outside).columns

    def read(self, folder: Path, names: Iterable[str], *, allow_outside: bool = False) -> Arrays:
        """The columns `names` as arrays. See :meth:`open` and :meth:`Table.read`."""
        return self.open(folder, allow_outside=allow_outside).read(names)
