"""Drafts a spec for each public table, and says what is wrong with it: ``python -m tests.tables FOLDER [--train]``.

The tables are written by write.py. A draft is clean where nothing enters the model that names the rows, says the
target or is known only after it, and where the examples are divided as the table asks for.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dlspec.core.errors import Problem
from dlspec.drafting.draft import Draft
from dlspec.drafting.roles import Role
from dlspec.drafting.sample import take_sample
from dlspec.drafting.writing import text_of


class Table(NamedTuple):
    """What is known of a table.

    Attributes:
        targets: What is to be predicted.
        never: Columns that may not enter as they are; dates may, taken apart.
        split: How examples have to be divided: ``time``, or a column that names groups; "" where chance will do.
    """

    targets: tuple[str, ...]
    never: tuple[str, ...] = ()
    split: str = ""


TABLES = {
    "penguins": Table(("species",)),
    "penguins_raw": Table(("Sex",), ("Region", "Stage", "Individual ID", "Sample Number")),
    "gapminder": Table(("lifeExp",), ("country",), "country"),
    "diamonds": Table(("price",)),
    "movies": Table(("rating",)),
    "hdma": Table(("deny",)),
    "cars93": Table(("Price",), ("Min.Price", "Max.Price", "Model")),
    "birthwt": Table(("low",), ("bwt",)),
    "survey": Table(("Sex",)),
    "msleep": Table(("vore",), ("name", "genus")),
    "slid": Table(("wages",)),
    "pbc": Table(("status",), ("id", "time")),
    "colon": Table(("status",), ("id", "study", "time"), "id"),
    "flchain": Table(("death",), ("chapter", "futime")),
    "housing": Table(("price",)),
    "caschool": Table(("testscr",), ("readscr", "mathscr", "district", "distcod")),
    "bfi": Table(("gender",)),
    "tips": Table(("tip",)),
    "hitters": Table(("Salary",)),
    "wage": Table(("wage",), ("logwage", "region")),
    "smarket": Table(("Direction",), ("Today",), "time"),
    "caravan": Table(("Purchase",)),
    "bikeshare": Table(("bikers",), ("casual", "registered"), "time"),
    "auto": Table(("mpg",), ("name",)),
    "default": Table(("default",)),
    "credit": Table(("Balance",), ("ID",)),
    "wage1": Table(("wage",), ("lwage",)),
    "loanapp": Table(("approve",), ("reject", "action")),
    "wagepan": Table(("lwage",), ("nr",), "nr"),
    "nhefs": Table(("wt82_71",), ("seqn", "wt82", "yrdth", "modth", "dadth")),
    "restaurants": Table(("inspection_score",), ("business_name",), "business_name"),
    "flights": Table(
        ("arr_delay",),
        ("year", "dep_time", "arr_time", "air_time", "dep_delay", "tailnum", "flight"),
        "time",
    ),
    "seattle_weather": Table(("weather",), (), "time"),
    "cars_vega": Table(("Miles_per_Gallon",), ("Name",)),
    "seattle_temps": Table(("temp",), (), "time"),
    "superstore": Table(("Profit",), ("Country",)),
    "sea_temperature": Table(("temperature (celsius)",), (), "time"),
    "digits": Table(("target",)),
    "linnerud": Table(("Weight", "Waist", "Pulse")),
    "fair": Table(("affairs",)),
}


def faults(name: str, folder: Path, *, train: bool) -> Iterator[str]:
    """What is wrong with the draft for one table; writes the spec beside it."""
    table = TABLES[name]
    try:
        draft = Draft(name, take_sample(f"{name}.csv", folder), table.targets)
    except Problem as problem:
        yield f"no draft: {problem.message}"
        return
    (folder / f"{name}.yaml").write_text(text_of(draft, schema="spec.json", command="dlspec init"), encoding="utf-8")
    roles = {column: one.role for column, one in draft.judged.items()}
    yield from (f"`{column}` enters" for column in table.never if roles.get(column) not in (Role.LEFT_OUT, None))
    yield from (f"the date `{column}` enters as words" for column in _dates_as_words(draft))
    if table.split and table.split not in str(draft.split.by):
        yield f"divided by {draft.split.by}, not {table.split}"
    for command in ("check", "train")[: 1 + train]:
        options = ["--quiet", "--new"] if command == "train" else []
        done = subprocess.run(
            [sys.executable, "-m", "dlspec", command, f"{name}.yaml", *options],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            yield f"{command}: {next((one for one in done.stderr.splitlines() if 'error' in one), done.stderr[-200:])}"
            return


def _dates_as_words(draft: Draft) -> Iterator[str]:
    for column in draft.of(Role.WORD):
        if str(column.known[0]).count("-") == 2 and str(column.known[0])[:4].isdigit():
            yield column.name


def main(folder: Path, *, train: bool) -> int:
    """A line for each table; 1 where more than three are not clean, or more than two do not pass."""
    unclean = broken = 0
    for name in TABLES:
        found = list(faults(name, folder, train=train))
        unclean += bool(found)
        broken += any(":" in fault for fault in found)
        print(f"{name:16} {'; '.join(found) or 'clean'}", flush=True)
    print(f"{len(TABLES) - unclean} of {len(TABLES)} clean, {len(TABLES) - broken} pass")
    return int(unclean > 3 or broken > 2)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), train="--train" in sys.argv))
