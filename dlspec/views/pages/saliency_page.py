"""``saliency.html``: what answers of a run's model follow from, as a page for people."""

from __future__ import annotations

from pathlib import Path

from dlspec.core.documents.figures import Saliency
from dlspec.views.pages.figured import sections
from dlspec.views.pages.frames import rendered
from dlspec.views.pages.galleries import galleries
from dlspec.views.pages.saliency import kept_maps


def saliency_page(name: str, folder: Path, facts: Saliency) -> str:
    """The page as text.

    Args:
        name: Of the spec.
        folder: The run folder, which holds the sheet of pictures.
        facts: What stands in ``saliency.json``.
    """
    pictures = galleries(folder, list(kept_maps(folder, facts)))
    looks = sections({"part": facts["part"], "saliency": facts})
    return rendered("saliency.html.jinja", name=name, facts=facts, pictures=pictures, looks=looks)
