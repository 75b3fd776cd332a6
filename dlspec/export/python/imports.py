"""Import lines of a generated module, from the names that it uses."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator

# What each name stands for; the standard library first, as ruff sorts imports.
_STANDARD = {
    "argparse": "import argparse",
    "hashlib": "import hashlib",
    "io": "import io",
    "json": "import json",
    "logging": "import logging",
    "math": "import math",
    "os": "import os",
    "random": "import random",
    "re": "import re",
    "shlex": "import shlex",
    "time": "import time",
    "wave": "import wave",
    "Counter": "from collections import Counter",
    "Callable": "from collections.abc import Callable",
    "Iterable": "from collections.abc import Iterable",
    "Iterator": "from collections.abc import Iterator",
    "Mapping": "from collections.abc import Mapping",
    "dataclass": "from dataclasses import dataclass",
    "field": "from dataclasses import field",
    "chain": "from itertools import chain",
    "datetime": "from datetime import datetime",
    "repeat": "from itertools import repeat",
    "Path": "from pathlib import Path",
    "Any": "from typing import Any",
    "NamedTuple": "from typing import NamedTuple",
}
_OTHERS = {
    "h5py": "import h5py",
    "keras": "import keras",
    "keras_tuner": "import keras_tuner",
    "np": "import numpy as np",
    "pa": "import pyarrow as pa",
    "parquet": "from pyarrow import parquet",
    "tf": "import tensorflow as tf",
    "layers": "from keras import layers",
    "ops": "from keras import ops",
    "ExifTags": "from PIL import ExifTags",
    "Image": "from PIL import Image",
    "ImageOps": "from PIL import ImageOps",
    "csv": "from pyarrow import csv",
    "arrow_json": "from pyarrow import json as arrow_json",
    "wavfile": "from scipy.io import wavfile",
    "datasets": "from sklearn import datasets",
}


def import_lines(source: str, own: dict[str, str] | None = None) -> str:
    """The imports of every name that `source` uses and does not define.

    Args:
        source: A module without its imports.
        own: Names that come from the project's other modules, with their import lines.
    """
    used = set(used_names(source)) - _defined(ast.parse(source))
    groups = [_lines(table, used) for table in (_STANDARD, _OTHERS, own or {})]
    return "\n\n".join(group for group in groups if group)


def standard_lines(source: str) -> list[str]:
    """The imports of what `source` uses of the standard library."""
    return _lines(_STANDARD, set(used_names(source))).splitlines()


def _lines(table: dict[str, str], used: set[str]) -> str:
    lines = list(dict.fromkeys(line for name, line in table.items() if name in used))
    merged: dict[str, list[str]] = {}
    for line in lines:
        module, _, name = line.removeprefix("from ").partition(" import ")
        merged.setdefault(module if line.startswith("from ") else line, []).append(name)
    plain = sorted(line for line in merged if line.startswith("import "))
    members = [
        f"from {module} import {', '.join(sorted(names))}" for module, names in merged.items() if module not in plain
    ]
    return "\n".join([*plain, *sorted(members, key=str.lower)])


def _defined(module: ast.Module) -> set[str]:
    """Names that a module defines at its top."""
    defined = {node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    targets = [target for node in module.body if isinstance(node, ast.Assign) for target in node.targets]
    return defined | {target.id for target in targets if isinstance(target, ast.Name)}


def used_names(source: str) -> list[str]:
    """Names that a module loads and that no function of it binds itself, in their order."""
    outer = set(_outer(symtable.symtable(source, "module", "exec")))
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and node.id in outer]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return list(dict.fromkeys(node.id for node in nodes if isinstance(node.ctx, ast.Load)))


def _outer(table: symtable.SymbolTable) -> Iterator[str]:
    """Names that a scope and those inside of it take from the module."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (symbol.is_global() or table.get_type() == "module"):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _outer(inner)
