"""Image files that cannot be used, for ``bad: skip``; each is decoded once, before anything trains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.pictures import PictureFile, Pictures


def find_broken(
    files: Sequence[PictureFile],
    pictures: Callable[[Sequence[PictureFile]], Pictures],
    known: Mapping[int, str] | None = None,
) -> dict[int, str]:
    """The files that cannot be read to their end, by number, with the reason.

    Args:
        pictures: Makes a column of files.
        known: What is known to be broken and need not be opened, such as files that are missing.

    Raises:
        DataProblem: E608, no file is left.
    """
    broken = dict(known or {})
    broken |= _troubles(files, broken, pictures(files).shape)
    whole = [file for number, file in enumerate(files) if number not in broken]
    if not whole:
        raise pictures(files).problem(f"none of the {len(files)} images can be read", files[0])
    # Some damage shows only while an image is decoded, which must not happen in the middle of training.
    broken |= _troubles(files, broken, pictures(whole).load)
    return dict(sorted(broken.items()))


def _troubles(
    files: Sequence[PictureFile], broken: Iterable[int], read: Callable[[PictureFile], object]
) -> dict[int, str]:
    """Messages of `read` by the number of the file, for files that are not known to be `broken`."""
    left = sorted(set(range(len(files))).difference(broken))

    def trouble(number: int) -> str:
        try:
            read(files[number])
        except DataProblem as problem:
            return problem.message
        return ""

    with ThreadPoolExecutor() as pool:
        return {number: reason for number, reason in zip(left, pool.map(trouble, left), strict=True) if reason}
