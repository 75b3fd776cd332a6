"""CSV files: types, and ten ways in which they are broken, each with its code, words, and line of the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write

from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.csv import Csv
from dlspec.errors import Problem

GOOD = "rooms,area,city,sold\n3,70.5,Cork,true\n5,120,Graz,false\n"


def broken(folder: Path, text: str | bytes, *, read: str = "") -> DataProblem:
    write(folder, "a.csv", text)
    with pytest.raises(DataProblem) as caught:
        table = Csv(path="a.csv").open(folder)
        if read:
            table.read([read])
        else:
            _ = table.columns
    assert caught.value.option == ("" if read else "path")
    return caught.value


def test_types_and_values(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", GOOD)
    source = Csv(path="a.csv")
    columns = source.columns(tmp_path)
    assert {name: column.tensor.dtype for name, column in columns.items()} == {
        "rooms": "int64", "area": "float64", "city": "string", "sold": "bool",
    }  # fmt: skip
    assert {column.count for column in columns.values()} == {2}
    arrays = source.read(tmp_path, ["area", "city"])
    assert arrays["area"].tolist() == [70.5, 120.0]
    assert arrays["city"].tolist() == ["Cork", "Graz"]


def test_the_delimiter_is_effective(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "a;b\n1;2\n")
    assert list(Csv(path="a.csv", delimiter=";").columns(tmp_path)) == ["a", "b"]


def test_dates_and_times_stay_the_text_that_was_written(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "day,hour\n2020-01-31,12:30\n")
    table = Csv(path="a.csv").open(tmp_path)
    assert table.read(["day", "hour"])["hour"].tolist() == ["12:30"]
    assert table.columns["day"].text


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", b"\xef\xbb\xbfa,b\n1,2\n")
    assert list(Csv(path="a.csv").columns(tmp_path)) == ["a", "b"]


def test_missing_file_names_the_one_that_is_meant(tmp_path: Path) -> None:
    write(tmp_path, "churn.csv", GOOD)
    with pytest.raises(DataProblem, match=r"there is no file `chrun\.csv`") as caught:
        Csv(path="chrun.csv").open(tmp_path)
    assert (caught.value.code, caught.value.help) == ("E601", "did you mean `churn.csv`?")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(DataProblem, match=r"`a\.csv` is a folder, expected a file") as caught:
        Csv(path="a.csv").open(tmp_path)
    assert caught.value.code == "E601"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../a.csv", "`../a.csv` leads out of the spec's folder"),
        ("/etc/passwd", "`/etc/passwd` leads out of the spec's folder"),
        ("C:\\a.csv", "`C:\\a.csv` leads out of the spec's folder"),
        ("https://example.org/a.csv", "`https://example.org/a.csv` is a URL"),
    ],
)
def test_paths_outside_are_refused(tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        Csv(path=path).open(tmp_path)
    assert (caught.value.code, caught.value.message, caught.value.option) == ("E108", message, "path")


def test_a_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "secret.csv", GOOD)
    spec = tmp_path / "spec"
    spec.mkdir()
    (spec / "a.csv").symlink_to(tmp_path / "secret.csv")
    with pytest.raises(Problem, match="leads out of the spec's folder"):
        Csv(path="a.csv").open(spec)


def test_outside_is_allowed_when_asked(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", GOOD)
    spec = tmp_path / "spec"
    spec.mkdir()
    assert "rooms" in Csv(path="../a.csv").columns(spec, allow_outside=True)


@pytest.mark.parametrize(
    ("text", "message", "where"),
    [
        ("", "`a.csv` is empty", "a.csv"),
        ("a,b\n", "`a.csv` has a header and no rows", "a.csv"),
        ("a,a\n1,2\n", "`a.csv` has two columns named `a`", "a.csv, line 1"),
        ("a,,c\n1,2,3\n", "column 2 of `a.csv` has no name", "a.csv, line 1"),
        ("a,b\n1,2\n\n3\n", "line 4 of `a.csv` has 1 values, expected 2", "a.csv, line 4"),
        (
            'a,b\n1,"two\nlines"\n3,4,5\n6\n',
            "line 4 of `a.csv` has 3 values, expected 2 (and 1 more rows like it)",
            "a.csv, line 4",
        ),
        ("a,b\n1,\n2,\n", "column `b` is empty in every row", "a.csv"),
        (b"a,b\n1,x\xff\n", "column `b` is not UTF-8", "a.csv"),
        ("a,b\n1,2\n".encode("utf-16"), "`a.csv` is not UTF-8", "a.csv"),
    ],
)
def test_broken_files(tmp_path: Path, text: str | bytes, message: str, where: str) -> None:
    problem = broken(tmp_path, text)
    assert (problem.code, problem.message, problem.where) == ("E608", message, where)


@pytest.mark.parametrize("word", ["", "NA", "nan"])
def test_a_missing_number_is_found_with_its_line(tmp_path: Path, word: str) -> None:
    problem = broken(tmp_path, f"a,b\n1,x\n\n{word},y\n", read="a")
    assert (problem.code, problem.message) == ("E608", "column `a` has 1 missing value")
    assert problem.where == "a.csv, line 4"


def test_not_a_number_finds_the_first_word(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "a\n1\n2.5\nabc\nx\n")
    assert Csv(path="a.csv").open(tmp_path).not_a_number("a") == ("abc", "a.csv, line 4")


def test_labels_are_sorted_and_counted(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "city\nGraz\nCork\nGraz\n")
    labels = Csv(path="a.csv").open(tmp_path).labels("city")
    assert labels.values == ("Cork", "Graz")
    assert labels.counts == (1, 2)
