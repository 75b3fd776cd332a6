"""The files of a folder, and the lines of a text."""

import os
from pathlib import Path


def hidden(name: str) -> bool:
    """Whether a file or folder is none of the data: systems and programs put some beside them."""
    return name.startswith(".") or name in ("Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir")


def files_in(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files of a folder and of those inside of it, sorted."""
    files = [Path(parent, name) for parent, _, names in os.walk(folder, followlinks=True) for name in names]
    shown = [file for file in files if not any(map(hidden, file.relative_to(folder).parts))]
    return sorted(file for file in shown if file.suffix.lower() in suffixes)


def files_by_class(root: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files in the folders of all classes."""
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not hidden(path.name))
    return [file for folder in folders for file in files_in(folder, suffixes)]


def files_by_name(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The files of a folder and of those inside of it, sorted by their names without the endings."""
    return sorted(files_in(folder, suffixes), key=lambda file: file.with_suffix("").as_posix())


def lines(path: Path) -> list[str]:
    """The lines of a text, without their ends."""
    content = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    return content.removesuffix("\n").split("\n")
