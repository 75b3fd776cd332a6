"""What MkDocs calls while it builds the site: generated pages are added, and links and fences take the site's form."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from docs.site import codes, components, gallery, markdown  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page


def on_config(config: MkDocsConfig) -> None:
    """Headings get the anchors that GitHub gives them, so that links hold in both; components enter the menu."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = markdown.anchor
    for section in config.nav or ():
        for entry in section.get("Reference", ()):
            if "Components" in entry:
                entry["Components"] = components.menu()


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Adds the pages that are generated, and those of the repository's topmost folder."""
    from mkdocs.structure.files import File

    generated = {**markdown.repository_pages(ROOT), **components.pages(), **codes.pages(), **gallery.pages(ROOT)}
    for name, text in generated.items():
        files.append(File.generated(config, name, content=text))


def on_page_markdown(text: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text of a page in the form that MkDocs reads."""
    name = page.file.src_uri
    text = gallery.linked(text) if name == "gallery.md" else text
    if '<div class="beside"' in text:  # needs the room of the table of contents
        page.meta["hide"] = ["toc"]
    return markdown.converted(text, name, ROOT)
