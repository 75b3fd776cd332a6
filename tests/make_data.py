"""Makes data of specs: ``python tests/make_data.py`` writes the same bytes every time.

For specs/start, specs/linear and specs/sequence.

Real: diabetes.csv (scikit-learn's diabetes set in its own units), zones.csv (the IANA time zones, as the package
tzdata has it), topics.csv (paragraphs of the Python manual, from ``pydoc_data.topics``), digits/ (scikit-learn's
handwritten digits as PNG files), co2.csv (monthly means of the weekly measurements at Mauna Loa, Keeling and Whorf
2004, public domain; as statsmodels has them, without which this file is left alone).

Made from real ones: in diabetes.csv 8 % of the cells are empty, chosen at random; masks.npz holds the handwritten
digits on a noisy ground, with the pixels of the digit as the mask.

Synthetic: churn.csv (600 customers, 20 numeric features of which 8 tell something, made by scikit-learn's
make_classification), listing.csv (500 houses whose price follows rooms, area, age and city with noise, and of which
the new ones in the dear cities sell best), waves/ (tones of three wave forms, as WAV files),
specs/sequence/numbers.csv.gz (9,000 of the numbers below 100,000 in English words and in digits),
specs/sequence/dates.csv.gz (9,000 days of 1900 to 2049 in English words and as ISO 8601), specs/linear/xor.csv (400
points about the corners of a square, and whether one coordinate or the other is 1, but not both).
"""

from __future__ import annotations

import gzip
import re
import wave
from calendar import month_name
from datetime import date
from importlib import import_module, resources
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits, make_classification

START = Path(__file__).resolve().parent.parent / "specs" / "start"
CITIES = {"Aarhus": 1.10, "Bergen": 1.25, "Cork": 0.95, "Graz": 1.00, "Porto": 0.85, "Turku": 0.90}


def churn() -> str:
    """600 rows: x01 … x20, churned (0 or 1)."""
    features, labels = make_classification(
        n_samples=600, n_features=20, n_informative=8, n_redundant=4, class_sep=1.2, flip_y=0.02, random_state=7
    )
    header = ",".join([*(f"x{number:02}" for number in range(1, 21)), "churned"])
    rows = [
        ",".join([*(f"{value:.4f}" for value in row), str(label)]) for row, label in zip(features, labels, strict=True)
    ]
    return "\n".join([header, *rows]) + "\n"


def listing() -> str:
    """500 rows: rooms, area (m²), age (years), city, price (thousands), sold (0 or 1)."""
    random = np.random.Generator(np.random.Philox(11))
    rows = ["rooms,area,age,city,price,sold"]
    for _ in range(500):
        rooms = int(random.integers(1, 8))
        area = 18.0 * rooms + random.normal(20, 8) + 10
        age = int(random.integers(0, 90))
        city = list(CITIES)[int(random.integers(len(CITIES)))]
        fair = CITIES[city] * (60 + 2.4 * area + 8 * rooms) * (1 - 0.003 * age)
        price = fair * random.normal(1.0, 0.08)
        wanted = 0.07 * (45 - age) + 12 * (CITIES[city] - 1.0)
        sold = random.random() < 1 / (1 + np.exp(-wanted))
        rows.append(f"{rooms},{area:.1f},{age},{city},{price:.1f},{int(sold)}")
    return "\n".join(rows) + "\n"


def diabetes() -> str:
    """442 patients: age, sex, body mass index, blood pressure, six blood serum measures, progress after one year."""
    bunch = load_diabetes(scaled=False)
    random = np.random.Generator(np.random.Philox(5))
    rows = ["age,sex,bmi,bp,tc,ldl,hdl,tch,ltg,glu,progress"]
    for values, progress in zip(bunch.data, bunch.target, strict=True):
        cells = [f"{value:g}" for value in values]
        cells[1] = "female" if values[1] == 1 else "male"
        cells = ["" if random.random() < 0.08 else cell for cell in cells]
        rows.append(",".join([*cells, f"{progress:g}"]))
    return "\n".join(rows) + "\n"


def zones() -> str:
    """The time zones of the larger regions: country, latitude and longitude (degrees), remark (often none), region."""
    text = resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text(encoding="utf-8")
    rows = ["country,latitude,longitude,remark,region"]
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        country, place, name, *remark = line.split("\t")
        region = name.split("/")[0]
        if region not in ("Africa", "America", "Asia", "Europe", "Pacific"):
            continue
        north, east = (_degrees(part) for part in re.findall(r"[+-]\d+", place))
        words = (remark[0] if remark else "").replace('"', "").replace(",", "")
        rows.append(f"{country},{north:.2f},{east:.2f},{words},{region}")
    return "\n".join(rows) + "\n"


def _degrees(text: str) -> float:
    """ISO 6709: ±DDMM, ±DDDMM, or with seconds."""
    digits, sign = text[1:], -1 if text[0] == "-" else 1
    width = {4: 2, 5: 3, 6: 2, 7: 3}[len(digits)]
    parts = [digits[:width], digits[width : width + 2], digits[width + 2 :] or "0"]
    return sign * sum(int(part) / 60**power for power, part in enumerate(parts))


_TOPICS = {
    "strings": ("formatstrings", "string-methods", "strings"),
    "classes": ("customization", "attribute-access", "typesmethods", "specialnames"),
    "debugger": ("debugger", "pdb"),
    "statements": ("compound", "with", "try", "for", "import", "assignment"),
}


def paragraphs() -> str:
    """Paragraphs of the Python manual of 40 characters or more, each with what it is about."""
    rows, seen = ["text,topic"], set()
    for topic, names in _TOPICS.items():
        for name in names:
            for paragraph in topics.get(name, "").split("\n\n"):
                text = " ".join(re.sub(r"[^A-Za-z ]", " ", paragraph).split())[:200]
                if len(text) >= 40 and text not in seen:
                    seen.add(text)
                    rows.append(f"{text},{topic}")
    return "\n".join(rows) + "\n"


def carbon_dioxide() -> str | None:
    """Months from 1958 to 2001: date, mean of the weeks in parts per million; six months without a week lie between."""
    try:
        folder = Path(str(import_module("statsmodels.datasets.co2").__file__)).parent
    except ModuleNotFoundError:
        return None
    return months((folder / "co2.csv").read_text(encoding="utf-8"))


def months(weeks: str) -> str:
    """Monthly means of weekly values; a month without any lies on the line between its neighbours."""
    values: dict[str, list[float]] = {}
    for line in weeks.split()[1:]:
        date, value = line.split(",")
        values.setdefault(f"{date[:4]}-{date[4:6]}-01", []).extend([float(value)] if value else [])
    means = np.array([np.mean(month) if month else np.nan for month in values.values()])
    known = np.flatnonzero(~np.isnan(means))
    means = np.interp(np.arange(len(means)), known, means[known])
    rows = [f"{month},{mean:.2f}" for month, mean in zip(values, means, strict=True)]
    return "\n".join(["month,co2", *rows]) + "\n"


def digits() -> None:
    """30 handwritten digits of each kind, 8 × 8 grey pixels: digits/7/12.png."""
    bunch = load_digits()
    for kind in range(10):
        folder = START / "digits" / str(kind)
        folder.mkdir(parents=True, exist_ok=True)
        for number, image in enumerate(bunch.images[bunch.target == kind][:30]):
            Image.fromarray((image * 15.9).astype(np.uint8)).save(folder / f"{number:02}.png")


def masks() -> None:
    """300 images of 16 × 16 pixels: a digit somewhere on noise, and the pixels that belong to it."""
    random = np.random.Generator(np.random.Philox(3))
    images = random.integers(0, 120, (300, 16, 16), dtype=np.uint8)
    found = np.zeros_like(images)
    for image, mask, digit in zip(images, found, load_digits().images, strict=False):
        row, column = random.integers(0, 9, 2)
        place = np.s_[row : row + 8, column : column + 8]
        mask[place] = digit > 4
        image[place] = np.where(digit > 4, np.maximum(image[place], (digit * 12).astype(np.uint8)), image[place])
    np.savez_compressed(START / "masks.npz", image=images, mask=found)


ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def words(number: int) -> str:
    """A number below 100,000 in English words."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10 - 2] + (f" {ONES[number % 10]}" if number % 10 else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % size
    joined = " and " if rest < 100 else " "
    return f"{words(number // size)} {name}" + (joined + words(rest) if rest else "")


def number_words() -> str:
    """9,000 different numbers, in an order by chance: words, digits."""
    numbers = np.random.Generator(np.random.Philox(5)).permutation(100_000)[:9000].tolist()
    return "\n".join(["words,digits", *(f"{words(number)},{number}" for number in numbers)]) + "\n"


def dates_in_words() -> str:
    """9,000 different days from 1900 to 2049, in an order by chance: in words in one of six ways, and as ISO 8601."""
    chance = np.random.Generator(np.random.Philox(6))
    first, last = date(1900, 1, 1).toordinal(), date(2049, 12, 31).toordinal()
    rows = ["words,date"]
    for number in chance.permutation(np.arange(first, last + 1))[:9000].tolist():
        day, (order, spoken) = date.fromordinal(number), chance.integers([3, 2]).tolist()
        month, ordinal = month_name[day.month].lower(), _ordinal(day.day)
        year = words(day.year) if spoken else _spoken_year(day.year)
        parts = (f"the {ordinal} of {month} {year}", f"{month} {ordinal} {year}", f"{year} {month} {ordinal}")
        rows.append(f"{parts[order]},{day.isoformat()}")
    return "\n".join(rows) + "\n"


def _ordinal(number: int) -> str:
    """Third, of 3."""
    irregular = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
                 "twelve": "twelfth", "twenty": "twentieth", "thirty": "thirtieth"}  # fmt: skip
    *before, last = words(number).split()
    return " ".join([*before, irregular.get(last, last + "th")])


def _spoken_year(year: int) -> str:
    """Nineteen eighty four, of 1984; nineteen oh four, of 1904; of 2000 to 2009 the number itself."""
    century, rest = divmod(year, 100)
    if century == 20 and rest < 10:
        return words(year)
    after = "hundred" if rest == 0 else f"oh {words(rest)}" if rest < 10 else words(rest)
    return f"{words(century)} {after}"


def xor() -> str:
    """400 points about the corners of a square: a, b, whether exactly one of them belongs to 1."""
    random = np.random.Generator(np.random.Philox(7))
    corners = random.integers(0, 2, (400, 2))
    points = corners + random.normal(0, 0.15, (400, 2))
    rows = [f"{a:.3f},{b:.3f},{i ^ j}" for (a, b), (i, j) in zip(points, corners, strict=True)]
    return "\n".join(["a,b,either", *rows]) + "\n"


def waves() -> None:
    """24 tones of each wave form: a quarter of a second, 4,000 samples a second, any pitch, phase and loudness."""
    random = np.random.Generator(np.random.Philox(9))
    time = np.arange(1000) / 4000
    forms = {
        "sine": lambda turn: np.sin(2 * np.pi * turn),
        "square": lambda turn: np.where(turn % 1 < 0.5, 1.0, -1.0),
        "sawtooth": lambda turn: 2 * (turn % 1) - 1,
    }
    for name, form in forms.items():
        folder = START / "waves" / name
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(24):
            tone = random.uniform(0.2, 0.8) * form(random.uniform(100, 400) * time + random.random())
            sound = np.clip(tone + random.normal(0, 0.05, len(time)), -1, 1)
            with wave.open(str(folder / f"{number:02}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(4000)
                file.writeframes((sound * 32767).astype("<i2").tobytes())


FILES = {
    "churn.csv": churn,
    "listing.csv": listing,
    "diabetes.csv": diabetes,
    "zones.csv": zones,
    "topics.csv": paragraphs,
    "co2.csv": carbon_dioxide,
}

if __name__ == "__main__":
    START.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        text = make()
        if text is not None:
            (START / name).write_text(text, encoding="utf-8", newline="\n")
    for make_files in (digits, masks, waves):
        make_files()
    for name, make in (("numbers", number_words), ("dates", dates_in_words)):
        (START.parent / "sequence" / f"{name}.csv.gz").write_bytes(gzip.compress(make().encode(), mtime=0))
    (START.parent / "linear" / "xor.csv").write_text(xor(), encoding="utf-8", newline="\n")
