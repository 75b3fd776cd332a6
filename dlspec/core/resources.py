"""Text of the schemas and templates, in a wheel and in a checkout alike."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def folder(kind: str) -> Path:
    """The folder that holds resources of `kind` (``schemas`` or ``templates``).

    Raises:
        FileNotFoundError: The installation is incomplete.
    """
    packaged = _PACKAGE / "_data" / kind
    if packaged.is_dir():
        return packaged
    checkout = _PACKAGE.parent
    pyproject = checkout / "pyproject.toml"
    if pyproject.is_file() and 'name = "dlspec"' in pyproject.read_text(encoding="utf-8"):
        return checkout / kind
    raise FileNotFoundError(f"dlspec was installed without its {kind}; install it again")


def read(kind: str, name: str) -> str:
    """The text of one resource.

    Args:
        kind: ``schemas`` or ``templates``.
        name: File name inside that folder.

    Raises:
        FileNotFoundError: There is no such resource.
    """
    return (folder(kind) / name).read_text(encoding="utf-8")
