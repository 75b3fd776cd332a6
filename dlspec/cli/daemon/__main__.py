"""``python -m dlspec.cli.daemon SOCKET SECONDS``: what ``dlspec daemon start`` starts."""

from __future__ import annotations

import sys
from pathlib import Path

from dlspec.cli.daemon.server import Daemon, preload
from dlspec.cli.daemon.surroundings import surroundings
from dlspec.cli.main import main


def _serve(path: Path, idle: float) -> None:
    parts = surroundings()
    request = Daemon(path, parts, preload(), idle).serve()
    if request is not None:
        main(request.arguments)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), float(sys.argv[2]))
