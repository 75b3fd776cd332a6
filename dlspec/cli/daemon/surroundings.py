"""What a process has from its start, in which a daemon has to equal whoever asks it for a command."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import dlspec

# Variables of the environment that Python and other packages read while they are imported; others reach each command.
_READ_AT_START = (
    *("CUDA_", "GRPC_", "HIP_", "HOME", "JAX_", "KERAS_", "LANG", "LC_", "LD_", "MALLOC_", "MKL_", "NUMEXPR_"),
    *("NVIDIA_", "OMP_", "OPENBLAS_", "PYTHON", "ROCM_", "ROCR_", "TF_", "TPU_", "VECLIB_", "VIRTUAL_ENV", "XLA_"),
    *("LSB_", "PBS_", "SLURM_"),  # a job of a cluster counts and ends what it started itself
)
# What TensorFlow sets itself: whatever it starts inherits them, and nothing depends on them.
_SET_BY_TENSORFLOW = ("TPU_ML_PLATFORM", "TPU_ML_PLATFORM_VERSION")
# Limits of a process that its copies inherit.
_LIMITS = ("RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_STACK")


def surroundings() -> dict[str, str]:
    """The parts that count, by name.

    Returns:
        ``variable NAME`` for variables of the environment; ``python``, ``packages`` and ``dlspec`` for the code that
        is imported, with the times of its last change; ``limits``, ``processors``, ``priority``, ``user``, ``umask``
        and ``namespaces`` for what the system lets the process do. Two processes with equal parts run a command alike.
    """
    import resource

    parts = {f"variable {name}": value for name, value in variables_that_count(os.environ).items()}
    parts["python"] = json.dumps([sys.executable, sys.version, repr(sys.flags), sys.warnoptions])
    parts |= code()
    parts["limits"] = json.dumps({name: resource.getrlimit(getattr(resource, name)) for name in _LIMITS})
    if sys.platform == "linux":
        parts["processors"] = json.dumps(sorted(os.sched_getaffinity(0)))
        spaces = [Path("/proc/self/ns", kind).readlink() for kind in ("mnt", "net", "pid")]
        parts["namespaces"] = json.dumps([str(space) for space in spaces])
    parts["priority"] = str(os.getpriority(os.PRIO_PROCESS, 0))
    parts["user"] = json.dumps([os.getuid(), os.geteuid(), os.getgid(), os.getegid(), sorted(os.getgroups())])
    mask = os.umask(0o077)
    os.umask(mask)
    parts["umask"] = oct(mask)
    return parts


def variables_that_count(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of an environment that are read while packages are imported."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(_READ_AT_START) and name not in _SET_BY_TENSORFLOW
    }


def code() -> dict[str, str]:
    """The parts that change when a package is installed, dlspec is edited or Keras's defaults are."""
    keras = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    # The first folder is that of the script or, for `python -m`, the one a command is given in.
    packages = [[path, _changed(Path(path))] for path in sys.path[1:]]
    return {"packages": json.dumps(packages), "dlspec": _modules(), "keras.json": str(_changed(keras))}


def key_of(parts: dict[str, str]) -> str:
    """The name of a daemon with these parts: 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def differences(parts: dict[str, str], others: dict[str, str]) -> list[str]:
    """Names of the parts that two processes do not have alike, sorted."""
    return sorted(name for name in {*parts, *others} if parts.get(name) != others.get(name))


def _modules() -> str:
    """Number, size and last change of the modules of dlspec and of its templates and schemas."""
    number, size, latest = 0, 0, 0
    folders = [str(Path(dlspec.__file__).parent)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        folders.append(entry.path)
                    continue
                facts = entry.stat()
                number, size, latest = number + 1, size + facts.st_size, max(latest, facts.st_mtime_ns)
    return f"{number} {size} {latest}"


def _changed(path: Path) -> int:
    """When a file or folder was changed, in nanoseconds; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
