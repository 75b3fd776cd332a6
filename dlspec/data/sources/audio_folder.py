"""Folders of sounds (WAV files), a file an example; static facts come from the files' headers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlspec.components.registry import boolean, choice, example, integer, number, optional, text
from dlspec.core.ir import Tensor
from dlspec.core.pieces import Piece
from dlspec.data.sources.base import TEXT, Arrays, Column, DataProblem, Labels, Source, Table
from dlspec.data.sources.folders import ClassFolders, emitted
from dlspec.data.sources.limits import STREAMED_FROM, check_memory
from dlspec.data.sources.paths import locate
from dlspec.data.sources.remarks import LeftOut
from dlspec.data.sources.wav import BrokenWav, Wav, read_header, read_samples

if TYPE_CHECKING:
    import numpy as np


_THREADS = 8
_FILES_PER_THREAD = 256


class AudioFolder(Source):
    """A folder of WAV files, in one subfolder per class, or flat.

    Columns: ``audio`` [samples, channels] from -1 to 1, and ``label`` (the name of the subfolder) where there are
    subfolders. PCM with 8, 16, 24 or 32 bits and floating point are read; all files must have one sample rate.
    """

    decodes = True
    shorthand = "path"
    for_folders = "audio_folder"
    path = text(doc="The folder, from the spec's folder.")
    seconds = optional(
        number(above=0, max=3600),
        doc="Length in seconds: what is longer is cut at its end; without it all must be equally long.",
    )
    pad = boolean(default=True, doc="Whether silence is added to what is shorter than `seconds`; else it is an error.")
    channels = choice(1, 2, default=1, doc="1 is the mean of a file's channels; 2 needs files with two.")
    sample_rate = optional(
        integer(min=1), doc="Samples per second that all files have; files are never resampled. Default: any one rate."
    )
    examples = (example("{path: commands, seconds: 1}"), example("{path: music, seconds: 10, channels: 2}"))

    def emitted(self, columns: Sequence[str], table: Table) -> Mapping[str, Any]:
        """Template values: the listing of the files, and expressions of their samples and classes."""
        mono = ".mean(axis=1, keepdims=True)" if int(self.channels) == 1 else ""
        frames = table.columns["audio"].tensor.shape[0]
        sounds = Piece(f"np.stack([sound(file, {{}}){mono} for file in files])", frames)
        return emitted(table, columns, (".wav",), audio=sounds)

    def open(self, folder: Path, *, allow_outside: bool = False) -> AudioTable:
        """Finds the folder."""
        path = locate(self.path, folder, allow_outside=allow_outside, want="folder")
        inside = None if allow_outside else folder.resolve()
        return AudioTable(self, ClassFolders(path, self.path, (".wav",), "sounds", inside))


class AudioTable(Table):
    """The sounds below one folder, in the order of class and file name."""

    def __init__(self, source: AudioFolder, folders: ClassFolders) -> None:
        self._source = source
        self._folders = folders
        self.skipped: list[str] = []

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """``audio``, and ``label`` where there are class folders. Reads the headers of all files."""
        count = len(self._files)
        columns = {"audio": Column(Tensor((self._frames, int(self._source.channels))), count)}
        if self._folders.classes:
            columns["label"] = Column(Tensor((), TEXT), count, label=True)
        return columns

    @property
    def streamed(self) -> bool:  # type: ignore[override]
        """Whether the samples are too many to be kept."""
        return self._size > STREAMED_FROM

    def read(self, names: Iterable[str]) -> Arrays:
        """Samples of shape [files, samples, channels], and the class folders' names."""
        import numpy as np

        return self.take(names, np.arange(len(self._files)))

    def take(self, names: Iterable[str], indices: np.ndarray[Any, Any]) -> Arrays:
        """The examples `indices`, in that order; no other files are read."""

        arrays: Arrays = {}
        for name in names:
            if name == "audio":
                arrays[name] = self._sounds(indices)
            else:
                arrays[name] = self._classes[indices]
        return arrays

    @property
    def left_out(self) -> Sequence[LeftOut]:  # type: ignore[override]
        """Remarks on files of other kinds."""
        return self._folders.left_out

    def where(self, index: int) -> str:
        """Path of the file of an example."""
        return self._folders.show(self._files[index])

    def labels(self, name: str) -> Labels:
        """Classes and their sizes, from the folders alone unless some files are left out."""
        return self._folders.counts() if name == "label" and not self.tolerant else super().labels(name)

    def check(self, names: Sequence[str]) -> None:
        """Whole numbers are finite; only sounds in floating point are read."""
        if "audio" in names and any(wav.kind == "float" for wav in self._headers):
            super().check(["audio"])

    def obvious(self, taken: Sequence[str]) -> list[tuple[str, ...]]:
        """One group: the column of sounds."""
        return [("audio",)]

    @property
    def _size(self) -> int:
        return 4 * self._frames * int(self._source.channels) * len(self._files)

    @cached_property
    def _files(self) -> tuple[Path, ...]:
        return tuple(self._readable)

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        return tuple(str(file) for file in self._files)  # to make one of a `Path` takes as long as opening the file

    @cached_property
    def _classes(self) -> np.ndarray[Any, Any]:
        import numpy as np

        return np.array([self._folders.label(file) for file in self._files], dtype=object)

    @cached_property
    def _readable(self) -> dict[Path, Wav]:
        """All files with their headers; without those whose headers are broken, if such are left out."""
        headers: dict[Path, Wav] = {}
        for file in self._folders.files:
            try:
                headers[file] = self._header(file)
            except DataProblem as problem:
                if not self.tolerant:
                    raise
                self.skipped.append(f"{problem.where}: {problem.message}")
        if not headers:
            raise self._folders.problem("no sound can be read", self._folders.files[0])
        return headers

    @cached_property
    def _headers(self) -> tuple[Wav, ...]:
        headers = tuple(self._readable.values())
        first = self._source.sample_rate or headers[0].rate
        channels = int(self._source.channels)
        for file, wav in zip(self._files, headers, strict=True):
            shown = self._folders.show(file)
            if wav.rate != first:
                other = "`sample_rate` is" if self._source.sample_rate else "the first sound has"
                message = f"`{shown}` has {wav.rate:,} samples per second, {other} {first:,}"
                raise self._folders.problem(message, file, "resample all sounds to one rate beforehand")
            if channels > 1 and wav.channels != channels:
                message = f"`{shown}` has {wav.channels} channel{'s' * (wav.channels > 1)}, expected {channels}"
                raise self._folders.problem(message, file, "`channels: 1` takes the mean of a file's channels")
        return headers

    @cached_property
    def _frames(self) -> int:
        """Samples of each channel of an example."""
        headers = self._headers
        seconds = self._source.seconds
        frames = headers[0].frames if seconds is None else max(1, round(seconds * headers[0].rate))
        for file, wav in zip(self._files, headers, strict=True):
            shown = self._folders.show(file)
            if seconds is None and wav.frames != frames:
                message = f"`{shown}` has {wav.frames:,} samples, the first sound has {frames:,}"
                raise self._folders.problem(message, file, f"cut or fill up all: `seconds: {frames / wav.rate:g}`")
            if wav.frames < frames and not self._source.pad:
                message = f"`{shown}` lasts {wav.frames / wav.rate:.3g} s, shorter than `seconds: {seconds:g}`"
                raise self._folders.problem(message, file, "leave `pad` out, and silence is added")
        size = 4 * frames * int(self._source.channels)
        check_memory(size, f"a sound of {frames:,} samples", self._folders.show(self._files[0]))
        return frames

    def _header(self, file: Path) -> Wav:
        with self._telling(file):
            return read_header(file)

    @contextmanager
    def _telling(self, file: Path) -> Iterator[None]:
        """Says of which file an error is."""
        try:
            yield
        except BrokenWav as error:
            raise self._folders.problem(f"`{self._folders.show(file)}` {error}", file) from error
        except OSError as error:
            message = f"cannot read `{self._folders.show(file)}`: {error.strerror or error}"
            raise self._folders.problem(message, file) from error

    def _sounds(self, indices: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        import numpy as np

        frames, channels = self._frames, int(self._source.channels)
        what = f"{len(indices):,} sounds of {frames:,} samples"
        check_memory(4 * len(indices) * frames * channels, what, self._source.path)
        sounds = np.zeros((len(indices), frames, channels), np.float32)

        def load(places: range) -> None:
            for row in places:
                index = indices[row]
                try:
                    read_samples(self._paths[index], self._headers[index], sounds[row])
                except (BrokenWav, OSError):
                    with self._telling(self._files[index]):
                        raise

        # A thread for a few files at once: handing over each of them takes longer than reading it.
        workers = min(_THREADS, len(indices) // _FILES_PER_THREAD)
        if workers < 2:
            load(range(len(indices)))
        else:
            with ThreadPoolExecutor(workers) as pool:
                for _ in pool.map(load, [range(first, len(indices), workers) for first in range(workers)]):
                    pass
        return sounds
