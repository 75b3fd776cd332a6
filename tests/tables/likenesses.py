"""Small tables made after public ones: their columns, kinds and traps, and none of their values."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, load_linnerud

from tests import tutorial

Table = Mapping[str, Sequence[Any]]


def write(name: str, folder: Path) -> None:
    """Writes a table as pandas does, with its index in a first column without a name."""
    table = LIKENESSES[name](np.random.Generator(np.random.Philox(5)))
    count = len(next(iter(table.values())))
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["", *table])
        writer.writerows(zip(range(count), *table.values(), strict=True))


def digits(_: Any) -> Table:
    """The table of scikit-learn itself."""
    return _columns(load_digits(as_frame=False))


def linnerud(_: Any) -> Table:
    """The table of scikit-learn itself: 20 rows, three targets."""
    return _columns(load_linnerud())


def _columns(bunch: Any) -> Table:
    target = np.asarray(bunch.target)
    targets = {"target": target} if target.ndim == 1 else dict(zip(bunch.target_names, target.T, strict=True))
    return dict(zip(bunch.feature_names, np.asarray(bunch.data).T, strict=True)) | targets


def auto(chance: Any) -> Table:
    """`?` for a gap among numbers, and names of cars."""
    count = 390
    weight, year = chance.normal(2900, 800, count).round(), chance.integers(70, 83, count)
    power = np.where(chance.random(count) < 0.02, "?", (weight / 28).round().astype(int).astype(str))
    mpg = (60 - 0.011 * weight + 0.5 * (year - 76) + chance.normal(0, 2, count)).round(1)
    name = [
        f"{make} {number}" for make, number in zip(chance.choice(["ford", "audi"], count), range(count), strict=True)
    ]
    return {"mpg": mpg, "horsepower": power, "weight": weight, "year": year,
            "origin": chance.integers(1, 4, count), "name": name}  # fmt: skip


def tips(chance: Any) -> Table:
    """Columns called `time` and `day` that hold words."""
    bill = chance.gamma(4, 5, 244).round(2)
    return {"total_bill": bill, "tip": (0.15 * bill + chance.normal(0, 0.8, 244)).round(2),
            "sex": chance.choice(["Male", "Female"], 244), "day": chance.choice(["Thur", "Fri", "Sat", "Sun"], 244),
            "time": chance.choice(["Lunch", "Dinner"], 244), "size": chance.integers(1, 7, 244)}  # fmt: skip


def birthwt(chance: Any) -> Table:
    """Rows in the order of the class, which follows from another column."""
    weight = np.sort(chance.normal(2950, 700, 189).round())
    return {"low": (weight < 2500).astype(int), "age": chance.integers(14, 45, 189), "bwt": weight,
            "race": chance.integers(1, 4, 189), "smoke": chance.integers(0, 2, 189)}  # fmt: skip


def bikeshare(chance: Any) -> Table:
    """Two columns that add up to the target, and rows in the order of time."""
    hours = np.arange(2400)
    casual = chance.poisson(20 + 15 * np.sin(hours / 24 * 2 * np.pi))
    registered = chance.poisson(80 + 50 * np.sin(hours / 24 * 2 * np.pi + 1))
    return {"day": 1 + hours // 24, "hr": hours % 24, "temp": chance.random(2400).round(2),
            "casual": casual, "registered": registered, "bikers": casual + registered}  # fmt: skip


def gapminder(chance: Any) -> Table:
    """Countries over years."""
    land = np.repeat([f"Land {number}" for number in range(40)], 12)
    year = np.tile(np.arange(1952, 2012, 5), 40)
    gdp = chance.lognormal(8, 1, 480).round(2)
    life = 40 + 3 * np.log(gdp) + 0.1 * (year - 1950) + np.repeat(chance.normal(0, 4, 40), 12)
    return {"country": land, "continent": np.repeat(chance.choice(["Asia", "Europe", "Africa"], 40), 12), "year": year,
            "lifeExp": life.round(2), "pop": chance.integers(10**5, 10**8, 480), "gdpPercap": gdp}  # fmt: skip


def wagepan(chance: Any) -> Table:
    """Persons over eight years, with the years as columns of 0 and 1."""
    person, year = np.repeat(np.arange(13, 73), 8), np.tile(np.arange(1980, 1988), 60)
    years = {f"d{shown}": (year == 1900 + shown).astype(int) for shown in range(81, 88)}
    wage = 1 + 0.05 * (year - 1980) + np.repeat(chance.normal(0, 0.3, 60), 8) + chance.normal(0, 0.2, 480)
    return {"nr": person, "year": year, "hours": chance.integers(500, 3000, 480),
            "union": chance.integers(0, 2, 480), **years, "lwage": wage.round(4)}  # fmt: skip


def credit(chance: Any) -> Table:
    """An id beside the index, and a limit that is no id although nearly all its values differ."""
    limit, income = chance.permutation(np.arange(2000, 14000))[:400], chance.gamma(2, 20, 400).round(3)
    balance = np.maximum(0, 0.15 * limit - 5 * income + chance.normal(0, 60, 400)).round()
    return {"ID": np.arange(1, 401), "Income": income, "Limit": limit,
            "Student": chance.choice(["No", "Yes"], 400, p=[0.9, 0.1]), "Balance": balance}  # fmt: skip


def seattle_temps(_: Any) -> Table:
    """A time stamp an hour, and a number."""
    hours = np.datetime64("2010-01-01T00:00") + np.arange(1500) * np.timedelta64(1, "h")
    temperature = 45 + 8 * np.sin(np.arange(1500) / 24 * 2 * np.pi) + np.arange(1500) / 300
    return {"date": [str(hour).replace("T", " ") + ":00" for hour in hours], "temp": temperature.round(1)}


LIKENESSES: dict[str, Callable[[Any], Table]] = {
    made.__name__: made
    for made in (digits, linnerud, auto, tips, birthwt, bikeshare, gapminder, wagepan, credit, seattle_temps)
} | {name: lambda chance, make=make: make(chance)[0]
     for name, make in (("penguins", tutorial.penguins), ("diamonds", tutorial.diamonds))}  # fmt: skip
