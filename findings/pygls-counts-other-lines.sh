#!/usr/bin/env bash
# pygls 2.1.1 with lsprotocol 2025.0.0, Python 3.11
#
# Seen:     a document has a character U+2028, U+0085 or a form feed in its second line. An editor changes the word in
#           the third line; the server's text has another one changed, or a line too many.
# Expected: the text of the editor. The Language Server Protocol knows three ends of a line: \n, \r\n and \r; Python's
#           str.splitlines, by which pygls counts, knows ten.
# Why it matters: from then on the server's text differs from the editor's, and all its answers with it, until the file is
#           opened again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pygls==2.1.1 lsprotocol==2025.0.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

from lsprotocol import types
from pygls.workspace import TextDocument

broken = 0
for name, character in (("nothing", ""), ("U+2028", "\u2028"), ("U+0085", "\x85"), ("a form feed", "\x0c")):
    source = f"first: 1\nsecond: a{character}b\nthird: old\nfourth: old\n"
    document = TextDocument("file:///x.yaml", source, version=1)
    old = types.Range(types.Position(2, 7), types.Position(2, 10))  # the third line, as an editor counts
    document.apply_change(types.TextDocumentContentChangePartial(text="new", range=old))
    right = document.source == source.replace("third: old", "third: new")
    broken += not right
    print(f"{name:>12} in the second line: {'the third line changed' if right else repr(document.source)}")
sys.exit(0 if broken == 3 else "the behaviour has changed")
PYTHON
