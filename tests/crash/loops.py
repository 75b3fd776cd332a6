"""The kills of :mod:`tests.crash.kills`, of a run whose steps are computed by the loop that XLA compiles.

``speed: auto`` would not try it for a run of seconds, nor choose it on every machine: here it does both.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.crash.kills import load, main


def looped(folder: Path, kills: int, seed: int) -> int:
    """As :func:`tests.crash.kills.main`; also says how many of the runs computed so."""
    load()
    from dlspec.training.loop import speed  # imports NumPy, which may start no thread

    speed._PATIENCE, speed._WORTH = 0, 0.0
    wrong = main(folder, kills, seed, spec=Path(__file__).parent / "loop.yaml")
    choices = [speed.read(path.parent, begun=True) for path in folder.glob(f"*/{speed.SPEED_FILE}")]
    count = sum(choice is not None and choice.looped for choice in choices)
    print(f"{count} of {len(choices)} runs looped")
    return wrong


if __name__ == "__main__":
    sys.exit(looped(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
