"""Imported by the process that workers are forked from: what a trial imports is there before they begin.

That process starts no thread and runs no operation, without which a copy of it is as good as a process of its own.
"""

from __future__ import annotations

import gc
import signal

from dlspec.tuning.workers.worker import load

# Ctrl-C in a terminal reaches all processes; the search's own decides what follows from it.
signal.signal(signal.SIGINT, signal.SIG_IGN)
load()
gc.freeze()  # what is there before the fork is looked through in no worker
