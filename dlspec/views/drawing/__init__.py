"""Graph → picture: an SVG or an HTML page, drawn without any help from outside.

Three steps, one after the other: what is drawn as one thing (`outline` folds what repeats, `boxes` stacks chains),
where it stands (`levels`, `tracks`, `layout`, `columns`), and how it is written (`svg`, `page`).
"""

from __future__ import annotations

from dlspec.views.drawing.columns import picture
from dlspec.views.drawing.layout import Picture
from dlspec.views.drawing.page import page
from dlspec.views.drawing.svg import svg

__all__ = ["Picture", "page", "picture", "svg"]
