"""The Keras classes of the layers that Keras lacks: standalone, written as in Keras's own examples.

Only the construction of a model imports this package. Importing it registers the classes, so that Keras can load them:
one class a file, each found by being here.
"""

from importlib import import_module
from pkgutil import iter_modules

__all__: list[str] = []

for _file in iter_modules(__path__):
    for _name, _class in vars(import_module(f"{__name__}.{_file.name}")).items():
        if isinstance(_class, type):
            globals()[_name] = _class
            __all__ += [_name]
