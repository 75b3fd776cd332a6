"""Makes the CSV files of specs/start: ``python tests/make_data.py`` writes the same bytes every time.

churn.csv: 600 customers, 20 numeric features of which 8 tell something, made by scikit-learn's make_classification.
listing.csv: 500 houses whose price follows rooms, area, age and city with noise, and of which the new ones in the dear
cities sell best. Both are synthetic, and small enough to read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import make_classification

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


FILES = {"churn.csv": churn, "listing.csv": listing}

if __name__ == "__main__":
    START.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        (START / name).write_text(make(), encoding="utf-8", newline="\n")
