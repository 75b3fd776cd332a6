"""What tests cost: ``python -m pytest -p tests.costs …`` ends with processor time by file and test, and memory.

Processor time is that of the process of the tests and of the processes that it has waited for: nearly the same on a
busy machine. Memory is what such a process holds after a test (its resident set), and the most that it has held.
"""

from __future__ import annotations

import os
import resource
import time
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

SHOWN = 40
_costs: dict[str, tuple[float, float, int, int, int]] = {}
_mebibyte = 1 << 20


def _processor_time() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() // _mebibyte


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Notes when a test begins."""
    item.stash[_BEGUN] = (_processor_time(), time.monotonic())
    return (yield)


_BEGUN = pytest.StashKey[tuple[float, float]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Puts the costs of a test into the report of its end, which workers send."""
    report = yield
    if call.when == "teardown":
        used, began = item.stash[_BEGUN]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // _mebibyte
        costs = (_processor_time() - used, time.monotonic() - began, _resident(), peak, os.getpid())
        report.user_properties.append(("costs", costs))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collects them."""
    for name, value in report.user_properties:
        if name == "costs" and report.when == "teardown":
            seconds, passed, resident, peak, worker = value
            _costs[report.nodeid] = seconds, passed, resident, peak, worker


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Prints them, the dearest first."""
    files: dict[str, float] = defaultdict(float)
    workers: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for test, (seconds, _, resident, peak, worker) in _costs.items():
        files[test.split("::")[0]] += seconds
        workers[worker].append((resident, peak))
    write = terminalreporter.write_line
    write(f"processor time of {len(_costs)} tests: {sum(files.values()):.1f} s")
    for file, seconds in sorted(files.items(), key=lambda item: -item[1])[:SHOWN]:
        write(f"{seconds:9.1f} s  {file}")
    write("processor time and seconds of the dearest tests, memory after them")
    for test, (seconds, passed, resident, *_) in sorted(_costs.items(), key=lambda item: -item[1][0])[:SHOWN]:
        write(f"{seconds:9.1f} s {passed:7.1f} s {resident:6} MiB  {test}")
    for number, held in enumerate(workers.values(), 1):
        most, peak = max(resident for resident, _ in held), max(peak for _, peak in held)
        write(f"process {number}: {most} MiB after a test at most, {peak} MiB at its peak, {len(held)} tests")
