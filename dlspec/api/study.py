"""What a study leaves behind."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlspec.api.run import Run
    from dlspec.core.documents.study import Study as Facts


class Study:
    """A study that is over.

    Attributes:
        report: What ``study.json`` says: every training, and what they have in common.
        path: Its folder.
    """

    def __init__(self, report: Facts, path: Path) -> None:
        self.report = report
        self.path = path

    def __repr__(self) -> str:
        return f"<dlspec.Study {self.path}>"

    def __str__(self) -> str:
        """What ``dlspec train`` prints of it."""
        from dlspec.tuning.studies.page import text

        return text(self.report, self.path)

    @property
    def members(self) -> list[Run]:
        """Its trainings that are finished."""
        from dlspec.api.run import Run

        finished = [member for member in self.report["members"] if member["status"] == "finished"]
        return [Run(self.path / member["folder"]) for member in finished]

    @property
    def run(self) -> Run:
        """The run of the model that it keeps.

        Raises:
            InvalidSpec: E521, it keeps none.
        """
        from dlspec.api.run import open_run

        return open_run(self.path)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"
