"""CSV files: types, and ten ways in which they are broken, each with its code, words, and line of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import tolerant, write

from dlspec.core.errors import Problem
from dlspec.data.sources.base import DataProblem
from dlspec.data.sources.csv import Csv
from dlspec.passes import compile_spec

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


@pytest.mark.parametrize(
    "text", [",a,b\n0,1,2\n7,3,4\n", ",,a,b\nx,0,1,2\ny,0,3,4\n", "a,b,\n1,2,\n3,4,\n", "a,b, , \n1,2\t, ,\n3,4,,\n"]
)
def test_columns_without_a_name_at_either_end_are_no_columns(tmp_path: Path, text: str) -> None:
    """pandas writes the index of a frame so; other programs end each row in a delimiter."""
    write(tmp_path, "a.csv", text)
    table = Csv(path="a.csv").open(tmp_path)
    assert {name: values.tolist() for name, values in table.read(list(table.columns)).items()} == {
        "a": [1, 3],
        "b": [2, 4],
    }
    assert [one.message for one in table.left_out] == {
        ",a": ["the first column of `a.csv` has no name, as pandas' index: left out"],
        ",,": ["the first 2 columns of `a.csv` have no name, as pandas' index: left out"],
    }.get(text[:2], [])
    assert table.where(1) == "a.csv, line 3"


@pytest.mark.parametrize(("inputs", "codes"), [("", ["W603"]), ("inputs: {features: {columns: [a]}}, ", [])])
def test_an_index_is_no_loss_where_the_spec_names_what_enters(tmp_path: Path, inputs: str, codes: list[str]) -> None:
    write(tmp_path, "a.csv", ",a,b\n" + "".join(f"{n},{n * 3},{n}\n" for n in range(20)))
    data = f"data: {{source: {{csv: a.csv}}, {inputs}targets: {{b: b}}}}\n"
    (tmp_path / "a.yaml").write_text(f"name: a\nlayers: [{{dense: 1}}]\n{data}train: {{loss: mse}}\n")
    assert [one.code for one in compile_spec(tmp_path / "a.yaml").diagnostics.items] == codes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,,b\n1,2,3\n", "column 2 of `a.csv` has no name"),
        ("a,b,\n1,2,\n1,2,3\n", "column 3 of `a.csv` has no name"),
        (",,\n1,2,3\n", "no column of `a.csv` has a name"),
    ],
)
def test_other_columns_without_a_name(tmp_path: Path, text: str, message: str) -> None:
    found = broken(tmp_path, text)
    assert (found.code, found.message, found.where) == ("E608", message, "a.csv, line 1")


@pytest.mark.parametrize(
    ("content", "message", "help"),
    [
        (
            b"PK\x03\x04....",
            "`a.csv` is a spreadsheet or an archive",
            "`excel: a.csv` reads a workbook; or save the table as CSV, in UTF-8",
        ),
        (
            b"\xfd7zXZ\x00....",
            "`a.csv` is compressed by xz",
            "unpack it first, or pack it with gzip or zstd: `unxz a.csv`",
        ),
        (b"PAR1....", "`a.csv` is a Parquet file", "`parquet: a.csv` reads it"),
        (b'{"a": 1, "b": 2}\n{"a": 3, "b": 4}\n', "`a.csv` is a file of JSON Lines", "`json_lines: a.csv` reads it"),
        ("a,b\n1,2\n".encode("utf-16"), "`a.csv` is in UTF-16", "say so: `encoding: utf-16`"),
        (
            b"sep=;\na;b\n1;2\n",
            "the first line of `a.csv` is a hint to a spreadsheet program, `sep=;`",
            'leave it out, and say what stands between the values: `skip_rows: 1, delimiter: ";"`',
        ),
        (
            b"# made by hand\na,b\n1,2\n3,4\n",
            "the first row of `a.csv` has 1 value, all others have 2",
            "the first row names the columns: pass over what stands before it: `skip_rows: 1`",
        ),
    ],
)
def test_what_is_no_csv_file(tmp_path: Path, content: bytes, message: str, help: str) -> None:
    found = broken(tmp_path, content)
    assert (found.code, found.message, found.help) == ("E608", message, help)


def test_the_line_that_is_not_utf8(tmp_path: Path) -> None:
    assert broken(tmp_path, b"a,b\n1,x\n2,\xfc\n").where == "a.csv, line 3"


def test_names_with_blanks_around(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "a, b\n1, 2\n")
    with pytest.raises(Problem, match=r"the source has no column `b`") as caught:
        Csv(path="a.csv").open(tmp_path).find("b", "column")
    assert caught.value.help == 'blanks belong to its name: write `" b"`'


@pytest.mark.parametrize("ends", ["\r", "\r\n", "\n"])
def test_ends_of_lines_and_names_with_breaks(tmp_path: Path, ends: str) -> None:
    write(tmp_path, "a.csv", ends.join(['"a', 'b",c', '1,"x', 'y"', "2,z", ""]))
    table = Csv(path="a.csv").open(tmp_path)
    assert list(table.columns) == [f"a{ends}b", "c"]
    assert table.read(["c"])["c"].tolist() == [f"x{ends}y", "z"]


def test_a_cell_that_holds_a_document(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", f"a,b\n1,{'x' * 200_000}\n2,\n3,y,z\n")
    assert broken(tmp_path, (tmp_path / "a.csv").read_bytes()).where == "a.csv, line 4"


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
        ("a,b\n", "`a.csv` has a single row, which is taken for the names of its columns, and no examples", "a.csv"),
        ("a,a\n1,2\n", "`a.csv` has two columns named `a`", "a.csv, line 1"),
        ("a,,c\n1,2,3\n", "column 2 of `a.csv` has no name", "a.csv, line 1"),
        ("a,b\n1,2\n\n3\n", "line 4 of `a.csv` has 1 value, expected 2", "a.csv, line 4"),
        (
            'a,b\n1,"two\nlines"\n3,4,5\n6\n',
            "line 4 of `a.csv` has 3 values, expected 2 (and 1 more rows like it)",
            "a.csv, line 4",
        ),
        (b"a,b\n1,x\xff\n", "column `b` is not UTF-8", "a.csv, line 2"),
        ("a,b\n1,2\n".encode("utf-16"), "`a.csv` is in UTF-16", "a.csv"),
    ],
)
def test_broken_files(tmp_path: Path, text: str | bytes, message: str, where: str) -> None:
    problem = broken(tmp_path, text)
    assert (problem.code, problem.message, problem.where) == ("E608", message, where)


@pytest.mark.parametrize("word", ["", "NA", "nan"])
def test_a_missing_number_is_found_with_its_line(tmp_path: Path, word: str) -> None:
    write(tmp_path, "a.csv", f"a,b\n1,x\n\n{word},y\n")
    table = Csv(path="a.csv").open(tmp_path)
    assert table.columns["a"].tensor.dtype == "float64"
    assert np.isnan(table.read(["a"])["a"]).tolist() == [False, True]
    with pytest.raises(DataProblem) as caught:
        table.check(["a", "b"])
    problem = caught.value
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


@pytest.mark.parametrize(
    ("text", "delimiter", "message", "help"),
    [
        (
            "a;b\n1;2\n",
            ",",
            "`a.csv` has a single column, `a;b`",
            'say what stands between its values: `delimiter: ";"`',
        ),
        (
            "a\tb\n1\t2\n",
            ",",
            "`a.csv` has a single column, `a\tb`",
            'say what stands between its values: `delimiter: "\\t"`',
        ),
        (
            "a,b\n1,2\n",
            ";",
            "`a.csv` has a single column, `a,b`",
            'say what stands between its values: `delimiter: ","`',
        ),
        (
            "5.1,3.5,setosa\n4.9,3.0,setosa\n",
            ",",
            "the first row of `a.csv` holds values (`5.1`), expected the names of its columns",
            "name the columns, as in `names: [c1, c2, c3]`, or add a first row with the names",
        ),
        (
            "7,0,0\n3,0,1\n",
            ",",
            "the first row of `a.csv` holds values (`0`), expected the names of its columns",
            "name the columns, as in `names: [c1, c2, c3]`, or add a first row with the names",
        ),
    ],
)
def test_a_header_that_names_no_columns(tmp_path: Path, text: str, delimiter: str, message: str, help: str) -> None:
    write(tmp_path, "a.csv", text)
    with pytest.raises(DataProblem) as caught:
        _ = Csv(path="a.csv", delimiter=delimiter).open(tmp_path).columns
    assert (caught.value.code, caught.value.message, caught.value.help) == ("E608", message, help)
    assert caught.value.where == "a.csv, line 1"


def test_a_single_column_and_years_as_names_are_fine(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "2019,2020\n1,2\n")
    assert list(Csv(path="a.csv").columns(tmp_path)) == ["2019", "2020"]
    write(tmp_path, "a.csv", "price\n1\n2\n")
    assert list(Csv(path="a.csv").columns(tmp_path)) == ["price"]


# --- broken rows that are left out ------------------------------------------------------------------------------------


def test_short_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    table = tolerant(tmp_path, "a,b\n1,2\n3\n5,6\n7,8,9\n10,11\n")
    assert table.read(["a"])["a"].tolist() == [1, 5, 10]
    assert table.skipped == ["a.csv, line 3: 1 value, expected 2", "a.csv, line 5: 3 values, expected 2"]
    assert table.where(2) == "a.csv, line 6"


def test_words_among_numbers_are_faults(tmp_path: Path) -> None:
    table = tolerant(tmp_path, "a,b\n1,x\nabc,y\n2.5,z\n,w\n 1e3 ,v\n")
    assert table.columns["a"].text
    assert table.as_numbers("a")
    assert table.columns["a"].tensor.dtype == "float64"
    np.testing.assert_equal(table.read(["a"])["a"], [1, np.nan, 2.5, np.nan, 1000])
    assert table.faults(["a", "b"]) == {1: "column `a` holds `abc`, expected a number"}
    assert not table.as_numbers("b")
    assert table.columns["b"].text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (["1,x", "2,y"], [2, 3]),
        (["1,x", "", "2,y"], [2, 4]),
        (['1,"two', 'lines"', "2,y", ""], [2, 4]),
        (['1,"x"', "2,y", "", ""], [2, 3]),
    ],
)
def test_lines_of_rows(tmp_path: Path, end: str, rows: list[str], lines: list[int]) -> None:
    write(tmp_path, "a.csv", end.join(["a,b", *rows]).encode())
    table = Csv(path="a.csv").open(tmp_path)
    assert [table.where(index) for index in (1, 0)] == [f"a.csv, line {line}" for line in lines[::-1]]
