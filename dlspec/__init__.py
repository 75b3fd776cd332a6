"""dlspec: one schema-validated YAML spec becomes a checked, trained and reported Keras 3 model."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dlspec.api.estimators import DlspecClassifier as DlspecClassifier
    from dlspec.api.estimators import DlspecRegressor as DlspecRegressor
    from dlspec.api.problems import Diagnostics as Diagnostics
    from dlspec.api.problems import InvalidSpec as InvalidSpec
    from dlspec.api.run import Run as Run
    from dlspec.api.run import open_run as open_run
    from dlspec.api.spec import Search as Search
    from dlspec.api.spec import Spec as Spec
    from dlspec.api.spec import load as load
    from dlspec.api.study import Study as Study

__all__ = [
    "Diagnostics",
    "DlspecClassifier",
    "DlspecRegressor",
    "InvalidSpec",
    "Run",
    "Search",
    "Spec",
    "Study",
    "__version__",
    "load",
    "open_run",
]

# Where each name is defined: the command line and `import dlspec` load none of it.
_HOMES = {
    "Diagnostics": "problems",
    "DlspecClassifier": "estimators",
    "DlspecRegressor": "estimators",
    "InvalidSpec": "problems",
    "Run": "run",
    "Search": "spec",
    "open_run": "run",
    "Spec": "spec",
    "Study": "study",
    "load": "spec",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module `dlspec` has no attribute `{name}`")
    import importlib

    return vars(importlib.import_module(f"dlspec.api.{_HOMES[name]}"))[name]
