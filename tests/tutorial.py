"""Tables for the tutorial: made ones, with the columns and the traps of public ones, as pandas writes them by default.

Each comes with a file of new rows, as people have them: columns in another order, an empty cell, a word that is new.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

Table = Mapping[str, Sequence[Any]]
SUBJECTS = ("penguins", "diamonds", "loans", "weather", "films")


def furnish(folder: Path) -> None:
    """Writes all of them into a folder."""
    for make in (penguins, diamonds, loans, weather, films):
        table, new = make(np.random.Generator(np.random.Philox(3)))
        (folder / f"{make.__name__}.csv").write_text(_text({"": range(len(next(iter(table.values())))), **table}))
        (folder / f"new_{make.__name__}.csv").write_text(_text(new))


def _text(table: Table) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return stream.getvalue()


def _gaps(values: Any, chance: np.random.Generator, share: float) -> list[Any]:
    """The values, some of them missing."""
    return [
        None if lacks else value
        for value, lacks in zip(values.tolist(), chance.random(len(values)) < share, strict=True)
    ]


def penguins(chance: np.random.Generator) -> tuple[Table, Table]:
    """Three species by their measures."""
    kind = chance.choice(3, 344, p=[0.44, 0.2, 0.36])
    measures = np.array([[38.8, 18.3, 190, 3700], [48.8, 18.4, 196, 3730], [47.5, 15.0, 217, 5080]])[kind]
    measures += chance.normal(0, 1, measures.shape) * [2.8, 1.0, 6.5, 400]
    lost = chance.random(344) < 0.01
    named = {"bill_length_mm": 1, "bill_depth_mm": 1, "flipper_length_mm": 0, "body_mass_g": 0}
    columns = {
        name: [None if gap else round(value, digits) for value, gap in zip(values.tolist(), lost, strict=True)]
        for (name, digits), values in zip(named.items(), measures.T, strict=True)
    }
    island = np.where(
        kind == 2, "Biscoe", np.where(kind == 1, "Dream", chance.choice(["Biscoe", "Dream", "Torgersen"], 344))
    )
    table = {
        "species": np.array(["Adelie", "Chinstrap", "Gentoo"])[kind].tolist(),
        "island": island.tolist(),
        **columns,
        "sex": _gaps(chance.choice(["male", "female"], 344), chance, 0.03),
        "year": chance.integers(2007, 2010, 344).tolist(),
    }
    new = {
        "ring": ["N17", "N18", "N19"],
        "year": [2010, 2010, 2010],
        "sex": ["female", None, "male"],
        "island": ["Dream", "Biscoe", "Anvers"],
        "bill_length_mm": [49.1, 46.8, None],
        "bill_depth_mm": [18.2, 15.1, 18.5],
        "flipper_length_mm": [197, 216, 189],
        "body_mass_g": [3750, 5100, 3600],
    }
    return table, new


def diamonds(chance: np.random.Generator) -> tuple[Table, Table]:
    """Prices, which rise steeply with the weight."""
    count = 2500
    carat = np.clip(chance.lognormal(-0.4, 0.55, count), 0.2, 4).round(2)
    words = {
        "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
        "color": list("JIHGFED"),
        "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
    }
    places = {name: chance.integers(0, len(known), count) for name, known in words.items()}
    worth = 0.04 * places["cut"] + 0.08 * places["color"] + 0.12 * places["clarity"]
    price = np.exp(7.4 + 1.7 * np.log(carat) + worth + chance.normal(0, 0.1, count)).round()
    size = 6.5 * carat ** (1 / 3)
    table = {
        "carat": carat.tolist(),
        **{name: [known[place] for place in places[name]] for name, known in words.items()},
        "depth": chance.normal(61.7, 1.4, count).round(1).tolist(),
        "table": chance.normal(57.5, 2.2, count).round().astype(int).tolist(),
        "price": price.astype(int).tolist(),
        **{
            name: (size * share + chance.normal(0, 0.03, count)).round(2).tolist()
            for name, share in (("x", 1), ("y", 1), ("z", 0.62))
        },
    }
    new = {
        "lot": [7001, 7002, 7003],
        "clarity": ["VS1", "SI2", "FL"],
        "color": ["E", "H", "D"],
        "cut": ["Ideal", "Good", "Ideal"],
        "carat": [0.5, 1.2, 0.9],
        "depth": [61.5, None, 62],
        "table": [57, 59, 56],
        "x": [5.1, 6.8, 6.2],
        "y": [5.2, 6.8, 6.2],
        "z": [3.2, 4.3, 3.9],
    }
    return table, new


def loans(chance: np.random.Generator) -> tuple[Table, Table]:
    """Loans of which a quarter is not paid back; what was recovered is known only of these."""
    count = 3000
    income, years = chance.lognormal(10.6, 0.4, count), chance.integers(0, 31, count)
    amount = (income * chance.uniform(0.1, 0.9, count)).round(-2)
    purpose = chance.choice(["car", "home", "study", "business"], count, p=[0.4, 0.3, 0.2, 0.1])
    risk = -2.2 + 3 * amount / income - 0.05 * years + 0.9 * (purpose == "business")
    failed = chance.random(count) < 1 / (1 + np.exp(-risk))
    table = {
        "loan_id": [f"L{number:05d}" for number in range(1, count + 1)],
        "amount": amount.astype(int).tolist(),
        "income": _gaps(income.round(2), chance, 0.06),
        "years_employed": years.tolist(),
        "purpose": purpose.tolist(),
        "home": chance.choice(["rent", "own", "mortgage"], count).tolist(),
        "currency": ["EUR"] * count,
        "recovered": [round(0.4 * a, 2) if bad else None for a, bad in zip(amount.tolist(), failed, strict=True)],
        "default": np.where(failed, "yes", "no").tolist(),
    }
    new = {
        "loan_id": ["L03001", "L03002", "L03003"],
        "purpose": ["business", "car", "boat"],
        "income": [21000.5, None, 64000],
        "amount": [19000, 8000, 12000],
        "home": ["rent", "own", "mortgage"],
        "years_employed": [1, 12, 25],
        "currency": ["EUR", "EUR", "EUR"],
    }
    return table, new


def weather(chance: np.random.Generator) -> tuple[Table, Table]:
    """The weather of each day of four years, in their order."""
    days = [date(2012, 1, 1) + timedelta(day) for day in range(1461)]
    season = np.cos(2 * np.pi * (np.array([day.timetuple().tm_yday for day in days]) - 200) / 365)
    warm = 16 + 9 * season + chance.normal(0, 3, 1461)
    wet = chance.random(1461) < 0.45 - 0.3 * season
    rain = np.where(wet, chance.exponential(6, 1461), 0).round(1)
    kind = np.where(
        rain > 0, np.where(warm < 4, "snow", "rain"), np.where(chance.random(1461) < 0.2 - 0.1 * season, "fog", "sun")
    )
    table = {
        "date": [day.isoformat() for day in days],
        "precipitation": rain.tolist(),
        "temp_max": warm.round(1).tolist(),
        "temp_min": (warm - chance.uniform(4, 11, 1461)).round(1).tolist(),
        "wind": chance.gamma(5, 0.65, 1461).round(1).tolist(),
        "weather": kind.tolist(),
    }
    new = {
        "station": ["Sea-Tac"] * 3,
        "date": ["2016-01-02", "2016-01-03", "2016-07-30"],
        "temp_max": [2.1, 9.4, 29.5],
        "temp_min": [-3.0, None, 17.2],
        "precipitation": [8.4, 3.1, 0.0],
        "wind": [3.1, 5.5, 2.2],
    }
    return table, new


def films(chance: np.random.Generator) -> tuple[Table, Table]:
    """Ratings of films by title, year, length and genre; budgets are mostly unknown."""
    count = 1500
    words = {
        "Night": 0.3,
        "Return": -0.5,
        "House": 0.1,
        "Zombie": -1.2,
        "Summer": 0.4,
        "King": 0.5,
        "Shark": -1.0,
        "Letter": 0.8,
    }
    kinds = ["Last", "First", "Silent", "Burning", "Broken", "Golden", "Hidden", "Long", "Red", "Blue", "Old", "Lost"]
    joints = ["of the", "and the", "in a", "without a", "before the", "after the"]
    firsts, seconds = chance.choice(list(words), count), chance.choice(list(words), count)
    titles = zip(chance.choice(kinds, count), firsts, chance.choice(joints, count), seconds, strict=True)
    genre = chance.choice(["Drama", "Comedy", "Horror", "Documentary"], count, p=[0.4, 0.3, 0.2, 0.1])
    length = chance.normal(98, 18, count).round()
    liked = np.array([words[one] + words[two] for one, two in zip(firsts, seconds, strict=True)])
    rating = 5.8 + liked + 0.9 * (genre == "Documentary") - 0.7 * (genre == "Horror") + 0.01 * (length - 98)
    rating = np.clip(rating + chance.normal(0, 0.7, count), 1, 10).round(1)
    table = {
        "title": [f"The {kind} {one} {joint} {two}" for kind, one, joint, two in titles],
        "year": chance.integers(1950, 2006, count).tolist(),
        "length": length.astype(int).tolist(),
        "budget": _gaps(chance.lognormal(15, 1.2, count).round(), chance, 0.9),
        "genre": genre.tolist(),
        "rating": rating.tolist(),
    }
    new = {
        "id": ["tt01", "tt02", "tt03"],
        "title": ["The Letter of the King", "The Zombie in a Shark", "The Robot and the Letter"],
        "genre": ["Drama", "Horror", "Western"],
        "year": [1999, 2004, None],
        "length": [110, 84, 95],
        "budget": [None, 2000000, None],
    }
    return table, new
