"""``make crash``: 100 kills, every failing operation of a save, 300 rotten files; exits with 1 if anything is lost."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.crash import kills
from tests.crash.cases import CASES

KILLS, SHARED, TURNS, ROTTEN = 100, 10, 20, 300


def main(seed: int = 0) -> int:
    """Everything, the quick parts first."""
    kills.load()
    from tests.crash import failing  # imports NumPy, before which `load` has something to say

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number in failing.ERRORS:
            count = failing.fail_every_operation(root, number)
            print(f"error {number} in each of {count} operations of a save: the checkpoint before is whole", flush=True)
        (root / "rot").mkdir()
        loaded = failing.rot(root / "rot", ROTTEN, seed)
        print(f"{ROTTEN} checkpoints with a flipped bit or cut off: {loaded} were loaded", flush=True)
        (root / "kills").mkdir()
        wrong = kills.main(root / "kills", KILLS, seed)
        print(f"{KILLS} runs killed at random moments: {wrong} ended otherwise than the undisturbed one", flush=True)
        (root / "devices").mkdir()
        shared = kills.main(root / "devices", SHARED, seed, "--set", "train.distribute.mirrored=2")
        print(f"{SHARED} more on two devices: {shared} ended otherwise than the undisturbed one", flush=True)
        for name, (spec, settings) in CASES.items():
            (root / name).mkdir()
            options = (part for setting in settings for part in ("--set", setting))
            lost = kills.main(root / name, TURNS, seed, *options, spec=kills.SPEC.parents[2] / spec)
            print(f"{TURNS} of {name}: {lost} ended otherwise than the undisturbed one", flush=True)
            wrong += lost
    return 1 if loaded or wrong or shared else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
