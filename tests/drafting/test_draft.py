"""What `dlspec init` makes of tables with the traps that real ones have; each draft passes `check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlspec.core.errors import Problem
from dlspec.drafting.candidates import candidates
from dlspec.drafting.draft import Draft
from dlspec.drafting.roles import Role
from dlspec.drafting.sample import take_sample
from dlspec.drafting.writing import text_of
from dlspec.passes import compile_spec
from tests.support import ROOT

Columns = Mapping[str, Sequence[Any]]
Drafted = Callable[..., Draft]
RANDOM = np.random.default_rng(7)
ROWS = 240
AGE, SIZE = RANDOM.integers(18, 90, ROWS), RANDOM.normal(50, 9, ROWS).round(2)
PRICE = (3 * AGE + SIZE + RANDOM.normal(0, 20, ROWS)).round(2)
SOLD = np.where(PRICE + RANDOM.normal(0, 30, ROWS) > 220, "yes", "no")
CITY = RANDOM.choice(["Aarhus", "Turku", "Graz"], ROWS)


@pytest.fixture
def drafted(tmp_path: Path) -> Drafted:
    """Writes a table, drafts a spec for it, and checks that spec without a word."""

    def make(columns: Columns, *targets: str, delimiter: str = ",", known: Sequence[str] = ()) -> Draft:
        rows = [
            delimiter.join(columns),
            *(delimiter.join(map(str, row)) for row in zip(*columns.values(), strict=True)),
        ]
        (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
        draft = Draft("table", take_sample("table.csv", tmp_path), targets)
        spec = tmp_path / "table.yaml"
        spec.write_text(text_of(draft, schema="spec.json", command="dlspec init table.csv"))
        state = compile_spec(spec)
        assert [(one.code, one.message) for one in state.diagnostics.items if one.code not in known] == []
        return draft

    return make


def _inputs(draft: Draft) -> list[str]:
    return [name for name, one in draft.judged.items() if one.role is not Role.LEFT_OUT]


def _with(**columns: Any) -> Columns:
    return {"age": AGE, "size": SIZE, "city": CITY, **columns}


def test_numbers_and_words(drafted: Drafted) -> None:
    draft = drafted(_with(price=PRICE), "price")
    assert {name: one.role.value for name, one in draft.judged.items()} == {
        "age": "number", "size": "number", "city": "word",
    }  # fmt: skip
    assert draft.split.by == "random" and not draft.targets[0].labelled


def test_classes_in_words_end_with_yes_and_are_stratified(drafted: Drafted) -> None:
    draft = drafted(_with(sold=SOLD), "sold")
    assert draft.targets[0].classes == ["no", "yes"] and draft.split.by == "stratified"


def test_classes_1_and_2_are_two(drafted: Drafted) -> None:
    assert drafted(_with(sex=np.where(SOLD == "yes", 1, 2)), "sex").targets[0].classes == [1, 2]


def test_rows_without_a_target_are_left_out(drafted: Drafted) -> None:
    price = [value if number % 9 else "" for number, value in enumerate(PRICE)]
    draft = drafted(_with(price=price), "price")
    assert "missing: drop" in text_of(draft, schema="", command="")


def test_a_rare_missing_class_is_no_class(drafted: Drafted) -> None:
    draft = drafted(_with(sold=["", *SOLD[1:]]), "sold")
    assert draft.targets[0].classes == ["no", "yes"] and draft.split.by == "stratified"


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("row", np.arange(1000, 1000 + ROWS), "numbers the rows"),
        ("customer_id", RANDOM.permutation(ROWS) * 17, "a name of it"),
        ("email", [f"a{number}@example.org" for number in range(ROWS)], "a name of it"),
        ("country", ["DK"] * ROWS, "always `DK`"),
        ("remark", [""] * 200 + ["late"] * 40, "missing in 83%"),
        ("double", PRICE * 2, "follows from it"),
        ("logarithm", np.log(PRICE), "follows from it"),
    ],
)
def test_left_out(drafted: Drafted, name: str, values: Any, reason: str) -> None:
    draft = drafted(_with(**{name: values}, price=PRICE), "price")
    assert name not in _inputs(draft) and reason in draft.judged[name].reason
    assert f"left out: `{name}`" in text_of(draft, schema="", command="")


def test_parts_of_a_sum_are_left_out_together(drafted: Drafted) -> None:
    part = RANDOM.uniform(0.2, 0.8, ROWS) * PRICE
    draft = drafted(_with(first=part, rest=PRICE - part, price=PRICE), "price")
    assert _inputs(draft) == ["age", "size", "city"]


def test_a_column_that_is_there_only_with_one_class_is_left_out(drafted: Drafted) -> None:
    buyer = [f"{number % 11}x" if sold == "yes" else "" for number, sold in enumerate(SOLD)]
    assert "buyer" not in _inputs(drafted(_with(buyer=buyer, sold=SOLD), "sold"))


def test_what_is_missing_with_the_target_is_left_out(drafted: Drafted) -> None:
    gone = RANDOM.random(ROWS) < 0.2
    later = np.where(gone, "", RANDOM.normal(size=ROWS).round(3).astype(str))
    draft = drafted(_with(arrived=later, price=np.where(gone, "", PRICE.astype(str))), "price")
    assert "only then" in draft.judged["arrived"].reason


def test_the_time_until_an_event_is_left_out(drafted: Drafted) -> None:
    draft = drafted(_with(time=RANDOM.integers(1, 900, ROWS), status=np.where(SOLD == "yes", 1, 0)), "status")
    assert "known only when" in draft.judged["time"].reason


def test_several_rows_of_one_stay_together(drafted: Drafted) -> None:
    draft = drafted(_with(patient=np.repeat(np.arange(60) * 13 + 5, 4), price=PRICE), "price")
    assert draft.split.by == {"grouped": "patient"} and "patient" not in _inputs(draft)


def test_a_panel_is_grouped_though_no_name_says_so(drafted: Drafted) -> None:
    land = np.repeat([f"L{number}" for number in range(24)], 10)
    draft = drafted(_with(land=land, year=np.tile(np.arange(2001, 2011), 24), price=PRICE), "price")
    assert draft.split.by == {"grouped": "land"}


def test_days_in_order_are_split_by_time(drafted: Drafted) -> None:
    days = np.datetime64("2023-01-01") + np.arange(ROWS)
    assert drafted(_with(day=days, price=PRICE), "price").split.by == {"time": "day"}


def test_dates_enter_by_what_comes_round(drafted: Drafted) -> None:
    days = np.datetime64("2023-01-01") + np.arange(ROWS)
    text = text_of(drafted(_with(day=days, price=PRICE), "price"), schema="", command="")
    assert "day: {column: day, prepare: [{date_parts: {parts: [day_of_year, day_of_week], cyclic: true}}]}" in text


def test_the_year_enters_where_dates_are_not_the_order_of_the_rows(drafted: Drafted) -> None:
    born = np.datetime64("1950-01-01") + 83 * np.roll(np.arange(ROWS), 17)
    draft = drafted(_with(born=born, price=PRICE), "price")
    text = text_of(draft, schema="", command="")
    assert draft.split.by == "random"
    assert "born: {column: born, prepare: [{date_parts: {parts: [day_of_year, day_of_week], cyclic: true}}]}" in text
    assert "born_year: {column: born, prepare: [{date_parts: [year]}, normalization]}" in text


def test_the_year_alone_of_dates_that_are_years(drafted: Drafted) -> None:
    built = [f"01.01.{year}" for year in 1950 + np.arange(ROWS) % 47]
    text = text_of(drafted(_with(built=built, price=PRICE), "price"), schema="", command="")
    assert "built: {column: built, prepare: [{date_parts: {parts: [year], first: day}}, normalization]}" in text
    assert "day_of_year" not in text


def test_the_year_of_what_comes_later_is_none_that_was_seen(drafted: Drafted) -> None:
    days = np.datetime64("2003-01-01") + 20 * np.arange(ROWS)
    text = text_of(drafted(_with(day=days, price=PRICE), "price"), schema="", command="")
    assert "by: {time: day}" in text and "parts: [day_of_year, day_of_week]" in text and "[year]" not in text


def test_few_rows_make_small_batches_and_figures_that_say_little(drafted: Drafted) -> None:
    text = text_of(drafted({"age": AGE[:20], "price": PRICE[:20]}, "price"), schema="", command="")
    assert "batch_size: 8" in text and "# about 3 rows are the test: figures of so few say little" in text
    assert "say little" not in text_of(drafted(_with(price=PRICE), "price"), schema="", command="")


def test_days_first_and_dates_that_nobody_can_read(drafted: Drafted) -> None:
    days = [f"{1 + number % 28:02}.{1 + number // 28:02}.2023" for number in range(ROWS)]
    either = [f"{1 + number % 12:02}/{1 + number // 12 % 12:02}/2023" for number in range(ROWS)]
    draft = drafted(_with(day=days, other=either, price=PRICE), "price")
    assert draft.split.by == {"time": {"column": "day", "first": "day"}}
    assert "first" in draft.judged["other"].reason


def test_a_column_that_holds_the_row_before_says_that_rows_are_in_order(drafted: Drafted) -> None:
    before = [PRICE[0], *PRICE[:-1]]
    draft = drafted(_with(price=PRICE, lag=before, lag2=[PRICE[0], *before[:-1]]), "price")
    assert draft.split.by == "time"


def test_texts_are_read_word_by_word(drafted: Drafted) -> None:
    words = np.array(["red", "blue", "small", "large", "house", "garden", "near", "lake", "old", "new", "with", "view"])
    texts = [" ".join(RANDOM.choice(words, 7)) for _ in range(1200)]
    draft = drafted({"text": texts, "price": RANDOM.normal(size=1200).round(3)}, "price")
    assert draft.judged["text"].role is Role.TEXT


def test_several_targets(drafted: Drafted) -> None:
    draft = drafted(_with(price=PRICE, sold=SOLD), "price", "sold")
    assert [one.labelled for one in draft.targets] == [False, True]


def test_names_that_a_spec_cannot_hold(drafted: Drafted) -> None:
    columns = {"Preis (EUR)": PRICE, "größe": SIZE, "1st": AGE, "dense": CITY, "row": CITY, "numbers": SOLD}
    assert len(_inputs(drafted(columns, "Preis (EUR)"))) == 5


def test_names_that_the_layers_have(drafted: Drafted) -> None:
    draft = drafted(_with(price=PRICE, sold=SOLD, trunk=CITY, price_deep=CITY, sold_linear=CITY), "price", "sold")
    assert {draft.name_of(name) for name in ("trunk", "price_deep", "sold_linear")} == {
        "trunk_2", "price_deep_2", "sold_linear_2",
    }  # fmt: skip


def test_another_delimiter(drafted: Drafted) -> None:
    assert drafted(_with(price=PRICE), "price", delimiter=";").sample.source == {
        "csv": {"path": "table.csv", "delimiter": ";"}
    }


def _written(folder: Path, text: str, encoding: str = "utf-8") -> Draft:
    (folder / "table.csv").write_bytes(text.encode(encoding))
    sample = take_sample("table.csv", folder)
    return Draft("table", sample, [list(sample.columns)[-1]])


def _csv(draft: Draft) -> dict[str, Any]:
    return {key: value for key, value in draft.sample.source["csv"].items() if key != "path"}


def test_decimal_commas_and_letters_of_windows(tmp_path: Path) -> None:
    rows = "\n".join(
        f"{size:.2f};{city};{price:.1f}".replace(".", ",") for size, city, price in zip(SIZE, CITY, PRICE, strict=True)
    )
    draft = _written(tmp_path, f"größe;ort;preis\n{rows}\n", "cp1252")
    assert _csv(draft) == {"encoding": "cp1252", "delimiter": ";", "decimal": ","}
    assert draft.judged["größe"].role is Role.NUMBER and not draft.targets[0].labelled


def _european(number: float) -> str:
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


def test_commas_for_decimals_points_for_thousands_and_signs(tmp_path: Path) -> None:
    people = [_european(1000 + 37 * age).removesuffix(",00") for age in AGE]
    rows = "\n".join(
        f"{_european(size)};{many};{_european(9 * price)} €;{_european(many_years / 9)} %;{_european(99 * price)}"
        for size, many, many_years, price in zip(SIZE, people, AGE, PRICE, strict=True)
    )
    draft = _written(tmp_path, f"size;people;rent;share;price\n{rows}\n", "cp1252")
    assert _csv(draft) == {
        "encoding": "cp1252", "delimiter": ";", "decimal": ",", "numbers": ["rent", "share", "price", "people"],
    }  # fmt: skip
    assert draft.sample.columns["people"].known.min() >= 1000 and not draft.targets[0].labelled


def test_signs_with_decimal_commas_alone(tmp_path: Path) -> None:
    rows = "\n".join(f"{age};{_european(99 * price)} €" for age, price in zip(AGE, PRICE, strict=True))
    draft = _written(tmp_path, f"age;price\n{rows}\n")
    assert _csv(draft) == {"delimiter": ";", "decimal": ",", "numbers": ["price"]}


def test_names_that_stand_twice_get_a_number(tmp_path: Path) -> None:
    rows = "\n".join(f"{number},{age},{size},{age},{price}" for number, (age, size, price) in _numbered())
    draft = _written(tmp_path, f",a,b,a,price\n{rows}\n")
    assert _csv(draft) == {"skip_rows": 1, "names": ["c1", "a", "b", "a_2", "price"]}
    assert draft.judged["c1"].reason == "numbers the rows" and draft.sample.total == ROWS


def _numbered() -> Any:
    return enumerate(zip(AGE, SIZE, PRICE, strict=True))


@pytest.mark.parametrize(("sign", "delimiter"), [("::", "::"), ("   ", "whitespace"), ("\t", "\\t"), ("|", "|")])
def test_separators_of_several_characters(tmp_path: Path, sign: str, delimiter: str) -> None:
    rows = "\n".join(f'{age}{sign}{size}{sign}"in {city}"{sign}{price}' for age, size, city, price in _with_cities())
    draft = _written(tmp_path, f"{rows}\n")
    assert _csv(draft) == {"delimiter": delimiter, "names": ["c1", "c2", "c3", "c4"]}
    assert draft.judged["c2"].role is Role.NUMBER and draft.sample.total == ROWS


def test_a_tab_among_blanks_is_one_of_them(tmp_path: Path) -> None:
    rows = "\n".join(f'{age}.0   {size}  {price}\t"in {city}"' for age, size, city, price in _with_cities())
    draft = _written(tmp_path, f"{rows}\n")
    assert _csv(draft) == {"delimiter": "whitespace", "names": ["c1", "c2", "c3", "c4"]}
    assert list(draft.sample.columns["c4"].distinct) == ["in Aarhus", "in Graz", "in Turku"]


def _with_cities() -> Any:
    return zip(AGE, SIZE, CITY, PRICE, strict=True)


def test_a_strange_word_among_numbers_is_a_gap_and_money_is_a_number(tmp_path: Path) -> None:
    ages = [str(age) if number % 11 else "?" for number, age in enumerate(AGE)]
    rows = "\n".join(f'{age},"${1000 * size:,.2f}",{price}' for age, size, price in zip(ages, SIZE, PRICE, strict=True))
    draft = _written(tmp_path, f"age,income,price\n{rows}\n")
    assert _csv(draft) == {"numbers": ["income"], "missing_words": ["?"]}
    assert draft.numbers == (["income"], ["age"])


def test_a_sign_among_few_numbers_is_a_gap(tmp_path: Path) -> None:
    rooms = ["2", "3", "4", "-"] * 60
    draft = _written(
        tmp_path, "rooms,price\n" + "\n".join(f"{many},{price}" for many, price in zip(rooms, PRICE, strict=True))
    )
    assert _csv(draft) == {"missing_words": ["-"]} and draft.judged["rooms"].role is Role.NUMBER


def test_a_word_among_few_numbers_is_a_class(tmp_path: Path) -> None:
    doors = ["2", "3", "5", "van"] * 60
    draft = _written(
        tmp_path, "doors,price\n" + "\n".join(f"{door},{price}" for door, price in zip(doors, PRICE, strict=True))
    )
    assert draft.judged["doors"].role is Role.WORD


def test_no_row_of_names(tmp_path: Path) -> None:
    draft = _written(
        tmp_path, "\n".join(f"{age},{city},{price}" for age, city, price in zip(AGE, CITY, PRICE, strict=True))
    )
    assert _csv(draft) == {"names": ["c1", "c2", "c3"]} and draft.sample.total == ROWS


@pytest.mark.parametrize(
    ("target", "message"),
    [("prise", "the table has no column `prise`"), ("same", "the same value in all rows"), ("word", "no classes")],
)
def test_what_cannot_be_predicted(drafted: Drafted, target: str, message: str) -> None:
    columns = _with(same=["x"] * ROWS, word=[f"w{number}" for number in range(ROWS)])
    with pytest.raises(Problem, match=message):
        drafted(columns, target)


def test_candidates_begin_with_what_is_mostly_asked_for() -> None:
    found = candidates(take_sample("listing.csv", ROOT / "specs/start"))
    assert {name for name, _ in found[:2]} == {"price", "sold"}
    assert dict(found)["city"].startswith("one of ")


@pytest.mark.parametrize(
    ("table", "target"),
    [("churn.csv", "churned"), ("diabetes.csv", "progress"), ("listing.csv", "price"), ("zones.csv", "region")],
)
def test_the_tables_of_the_examples(tmp_path: Path, table: str, target: str) -> None:
    (tmp_path / table).write_bytes((ROOT / "specs/start" / table).read_bytes())
    text = text_of(Draft("first", take_sample(table, tmp_path), [target]), schema="", command="dlspec init")
    (tmp_path / "first.yaml").write_text(text)
    assert not compile_spec(tmp_path / "first.yaml").diagnostics.errors
