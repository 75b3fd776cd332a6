"""The components of one compilation: those built in, and those in the Python files of its spec."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from threading import RLock
from types import ModuleType

from dlspec.components.registry import index
from dlspec.components.registry.component import Component
from dlspec.components.registry.fields import JSON

# Python has one table of modules for all threads: code of one spec at a time runs, and finds its own modules there.
_RUNNING = RLock()


class Catalogue:
    """The components that a compilation finds by name, and the modules that its spec brings along.

    Two compilations in one process share the built-in components. The modules of a spec belong to its catalogue alone,
    with all that they import from their folder: another spec may have others of the same names.

    Attributes:
        files: The Python files that the spec lists and may run, by module.
        own: The components that its files declare, by kind and name.
        definitions: What the schema of a spec says with them, where that differs, by name.
        used: The files of those components that the spec has asked for, by module.
    """

    def __init__(self, files: Mapping[str, Path] | None = None) -> None:
        self.files = dict(files or {})
        self.own: dict[tuple[str, str], type[Component]] = {}
        self.definitions: dict[str, JSON] = {}
        self.used: dict[str, Path] = {}
        self._modules: dict[str, ModuleType] = {}

    def add(self, components: Iterable[type[Component]], definitions: Mapping[str, JSON]) -> None:
        """Takes components that the spec's files declare, and what the schema says with them."""
        self.definitions |= definitions
        self.own |= {(owner.kind, owner.registered_name): owner for owner in components}

    @property
    def carried(self) -> tuple[Path, ...]:
        """The files that go wherever the model goes: all of them, where the spec uses a component of one."""
        return tuple(self.files.values()) if self.used else ()

    def kinds(self) -> tuple[str, ...]:
        """All kinds of components."""
        return index.kinds()

    def names(self, kind: str) -> tuple[str, ...]:
        """The names (aliases included) of all components of `kind`."""
        return (*index.names(kind), *(name for owner, name in self.own if owner == kind))

    def find(self, kind: str, name: str) -> type[Component] | None:
        """The component class called `name`, or None."""
        own = self.own.get((kind, name))
        if own is None:
            return index.find(kind, name)
        if own.home in self.files:
            self.used[own.home] = self.files[own.home]
        return own

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Code of the spec may run inside: it imports its neighbours, and finds modules as this catalogue has them."""
        with _RUNNING:
            folders = list(dict.fromkeys(str(path.parent) for path in self.files.values()))
            others = set(sys.modules)
            sys.modules.update(self._modules)
            sys.path[:0] = folders
            try:
                yield
            finally:
                for folder in folders:
                    with contextlib.suppress(ValueError):
                        sys.path.remove(folder)
                for name in _own(set(sys.modules) - others, folders):
                    self._modules[name] = sys.modules.pop(name)

    def module(self, name: str) -> ModuleType:
        """The module of one of the files, imported once for this catalogue; asked for inside of :meth:`running`.

        Raises:
            NameTaken: Python packages have a module of that name.
            KeyError: The spec lists no such file.
        """
        path = self.files[name]
        if name in self._modules:
            return self._modules[name]
        if name in sys.modules:
            if _file(name) == str(path):  # another module of the spec has imported it
                return sys.modules[name]
            raise NameTaken(name)
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise KeyError(name)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module


class NameTaken(Exception):
    """A file of the spec has the name of a module that is imported already."""


def _own(names: Iterable[str], folders: Iterable[str]) -> list[str]:
    """The modules among `names` that stand in one of the folders themselves, or in packages there."""
    modules = []
    for name in names:
        top = name.partition(".")[0]
        file = _file(name)
        beside = [(str(Path(folder) / f"{top}.py"), str(Path(folder) / top / "")) for folder in folders]
        if any(file == alone or file.startswith(f"{package}/") for alone, package in beside):
            modules.append(name)
    return modules


def _file(name: str) -> str:
    """The file of an imported module; "" where there is none."""
    return getattr(sys.modules[name], "__file__", None) or ""


# What every spec knows that brings no code along.
BUILT_IN = Catalogue()
