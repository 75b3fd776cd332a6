"""Checks again whenever a file of the specs changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from pathlib import Path

from dlspec.cli.checking import Checking, check_all, show
from dlspec.cli.output import print_text

# Seconds between two looks at the files: short beside typing, and next to no load.
PAUSE = 0.2
# Looks after which folders are searched for further specs.
_FIND = 10


def watch(find: Callable[[], list[Path]], checking: Checking) -> int:
    """Checks and shows, again and again: until the user interrupts it.

    Args:
        find: Gives the specs that there are; it is asked again every few seconds.
    """
    while True:
        specs = find()
        results = check_all(specs, checking)
        show(results, checking)
        names = [name for result in results.specs for name in (str(result.state.path), *result.state.texts)]
        seen = _stamps([name for name in dict.fromkeys(names) if not name.startswith("--set ")])
        print_text(f"watching {len(seen)} file{'s' if len(seen) != 1 else ''}; Ctrl-C ends")
        sys.stdout.flush()
        _wait(seen, specs, find)
        print_text(f"\n{time.strftime('%H:%M:%S')}")


def _wait(seen: Mapping[str, tuple[int, int] | None], specs: list[Path], find: Callable[[], list[Path]]) -> None:
    """Returns when a file is another, or specs came or went."""
    for look in count(1):
        time.sleep(PAUSE)
        if _stamps(seen) != seen or (look % _FIND == 0 and find() != specs):
            return


def _stamps(names: Iterable[str]) -> dict[str, tuple[int, int] | None]:
    """When each file was written last, and its size; None where there is none."""
    return {name: _stamp(Path(name)) for name in names}


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
