"""Checks texts while they are written: the newest state of each, one after the other, in a thread of their own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dlspec.views.editing.analysis import Analyser, Analysis, Superseded

# A check that takes longer waits until nobody types, for as long as it took the last time, or for so many seconds.
_QUICK, _LONGEST_WAIT = 0.2, 0.5


class Checks:
    """The last analysis of each open spec, and those that are under way.

    Args:
        show: Called with each analysis of a text that is still the newest one.
        fail: Called with an error of dlspec's own, and the file where it happened.
        encoding: The unit in which the editor counts.
    """

    def __init__(
        self, show: Callable[[Analysis], None], fail: Callable[[Path, Exception], None], encoding: str = "utf-16"
    ) -> None:
        self.texts: dict[Path, str] = {}
        self.last: dict[Path, Analysis] = {}
        self._show, self._fail, self._encoding = show, fail, encoding
        self._numbers: dict[Path, int] = {}
        self._seconds: dict[Path, float] = {}
        self._running: dict[Path, asyncio.Task[None]] = {}
        self._analyser = Analyser()
        self._pool = ThreadPoolExecutor(1)

    def ask(self, path: Path, *, now: bool = True) -> None:
        """Asks for a check of a text that is new, or depends on what is.

        Args:
            now: Whether to begin at once, even if checks of this spec take long.
        """
        self._numbers[path] = self._numbers.get(path, 0) + 1
        if path not in self._running:
            wait = 0.0 if now or self._seconds.get(path, 0) < _QUICK else min(self._seconds[path], _LONGEST_WAIT)
            self._running[path] = asyncio.get_running_loop().create_task(self._run(path, wait))

    def forget(self, path: Path) -> None:
        """Gives up all about a file that was closed."""
        self._numbers[path] = self._numbers.get(path, 0) + 1
        self.texts.pop(path, None)
        self.last.pop(path, None)
        self._analyser.forget(path)

    async def newest(self, path: Path) -> Analysis | None:
        """The analysis of the text as it is now; None where there is none, or dlspec failed."""
        while (task := self._running.get(path)) is not None:
            await asyncio.shield(task)
        return self.last.get(path)

    def close(self) -> None:
        """Lets what is under way end without a result."""
        for path in self._numbers:
            self._numbers[path] += 1
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, path: Path, wait: float) -> None:
        """Checks until the result is that of the newest text."""
        number = -1
        while number != self._numbers[path] and path in self.texts:
            number = self._numbers[path]
            if wait:
                await asyncio.sleep(wait)
                if number != self._numbers[path]:
                    continue
            try:
                await self._check(path, number)
            except Superseded:
                continue
            except Exception as error:  # of ours: the editor goes on, and the next text is tried again
                self.last.pop(path, None)
                self._fail(path, error)
        self._running.pop(path, None)

    async def _check(self, path: Path, number: int) -> None:
        texts, start = dict(self.texts), time.perf_counter()

        def analyse() -> Analysis:
            return self._analyser.analyse(path, texts, self._encoding, superseded=lambda: self._numbers[path] != number)

        analysis = await asyncio.get_running_loop().run_in_executor(self._pool, analyse)
        self._seconds[path] = time.perf_counter() - start
        if number == self._numbers[path]:
            self.last[path] = analysis
            self._show(analysis)
