"""The folder of a spec, its permissions, and texts that an editor has not saved yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workspace:
    """Folder and permissions under which specs are compiled.

    Attributes:
        folder: Where the paths of a spec start; the folder of its file where None.
        allow_outside: Whether a spec may read files outside of that folder.
        allow_code: Whether the Python files of its `extensions` may run.
        code: The folder with copies of these files, as a run keeps them; None where they stand as the spec says.
        models: The folder with copies of the files that models were read from, as a run keeps them; None where they
            stand as the spec says.
        spare_models: The folder with such copies, which are read where the spec's own files are gone.
        announce: Told before a check does what takes several seconds.
        starts_keras: Whether a check may have Keras write down the layers of a model of `keras.applications`.
        texts: Texts of specs that are not saved, by path: each is read in place of the file.
    """

    folder: Path | None = None
    allow_outside: bool = False
    allow_code: bool = False
    code: Path | None = None
    models: Path | None = None
    spare_models: Path | None = None
    announce: Callable[[str], None] | None = None
    starts_keras: bool = True
    texts: Mapping[Path, str] = field(default_factory=dict)

    def text(self, path: Path) -> str | None:
        """The text that is not saved yet of the file at `path`, by whatever path it is named; None for others."""
        if not self.texts:
            return None
        wanted = path.resolve()
        return next((text for name, text in self.texts.items() if name.resolve() == wanted), None)
