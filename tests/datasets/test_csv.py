"""CSV files: columns, labels, statistics, and errors that lead to the line."""

import tracemalloc
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

import fcframe

CSV = fcframe.registry().datasets["csv"]
WHOLE = {"validation": 0, "test": 0}
MISSING = ("nan", "NaN", "NA", "N/A", "#N/A", "<NA>", "null", "NULL", "None", "?", " . ", "-nan")
PETS = "height,weight,kind\n0.3,4,cat\n0.6,20,dog\n0.2,3.5,cat\n0.1,1,axolotl\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.csv"


@pytest.fixture
def load(path):
    """Loads a table of that text, in its order unless it is split."""

    def load(text, dtype="float64", seed=0, **fields):
        path.write_text(text, encoding="utf-8", newline="")
        return CSV(path=str(path), **fields).load(np.dtype(dtype), np.random.default_rng(seed))

    return load


def rows(data):
    """All rows as tuples, label last, sorted."""
    return sorted((*X, y) for Xs, ys in data.splits().values() for X, y in zip(Xs.tolist(), ys.tolist(), strict=True))


def test_texts_are_numbered_in_sorted_order(load):
    data = load(PETS)
    assert data.classes == ("axolotl", "cat", "dog")
    assert rows(data) == [(0.1, 1, 0), (0.2, 3.5, 1), (0.3, 4, 1), (0.6, 20, 2)]
    assert data.y_train.dtype == np.intp


@pytest.mark.parametrize(
    ("column", "classes", "labels"),
    [
        ("0 1 2", ("0", "1", "2"), [0, 1, 2]),
        ("1 2 10", ("1", "2", "10"), [0, 1, 2]),
        ("3 -1 7", ("-1", "3", "7"), [1, 0, 2]),
        ("1.0 2.0 1", ("1", "2"), [0, 1, 0]),
    ],
)
def test_integers_are_numbered_from_zero_in_numeric_order_and_keep_their_names(load, column, classes, labels):
    data = load("a,b\n" + "".join(f"{i},{label}\n" for i, label in enumerate(column.split())), **WHOLE)
    assert data.classes == classes
    assert rows(data) == list(enumerate(labels))


def test_one_text_among_integers_makes_them_all_texts(load):
    assert load("a,b\n1,10\n2,9\n3,x\n").classes == ("10", "9", "x")


def test_columns_may_be_called_by_numbers_if_the_target_is_not(load):
    data = load("1990,1991.5,rich\n3,4,no\n5,6,yes\n")
    assert data.fitted["features"] == ["1990", "1991.5"]
    assert data.fitted["target"] == "rich"


def test_numbers_are_predicted_in_the_dtype_of_x(load):
    data = load("a,b\n1,0.5\n2,1.5\n", "float32", labels=False)
    assert rows(data) == [(1, 0.5), (2, 1.5)]
    assert data.X_train.dtype == data.y_train.dtype == np.float32
    assert data.y_train.ndim == 1


@pytest.mark.parametrize(("target", "row"), [("b", (1, 3, 2)), (0, (2, 3, 1)), (-2, (1, 3, 2)), (-1, (1, 2, 3))])
def test_the_target_is_found_by_name_or_number(load, target, row):
    assert rows(load("a, b ,c\n1,2,3\n", target=target, labels=False)) == [row]


def test_dialects(load):
    assert rows(load("1;2\r\n\r\n3;4\r\n", header=False, delimiter=";", labels=False)) == [(1, 2), (3, 4)]
    assert load('\ufeffa,b\n1,"x, y"\n2," x, y "', target="b").classes == ("x, y",)
    assert rows(load("a\tb\n1\t2\n", delimiter="\t", labels=False)) == [(1, 2)]


def test_splits_are_disjoint_complete_and_drawn_by_the_seed(load):
    text = "\n".join(f"{i},{i}" for i in range(50))
    data = load(text, header=False, validation=0.2, test=0.3)
    assert [len(X) for X, _ in data.splits().values()] == [25, 10, 15]
    assert rows(data) == [(i, i) for i in range(50)]
    assert data.X_train.tobytes() == load(text, header=False, validation=0.2, test=0.3).X_train.tobytes()
    assert data.X_train.tobytes() != load(text, seed=1, header=False, validation=0.2, test=0.3).X_train.tobytes()
    assert all(X.flags.c_contiguous and y.flags.c_contiguous for X, y in data.splits().values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_standardizing_uses_the_training_rows_alone(load, dtype):
    text = "\n".join(f"{i},0.1,{i * i},0" for i in range(40))
    plain = load(text, "float64", header=False, validation=0.2)
    data = load(text, dtype, header=False, validation=0.2, standardize=True)
    assert data.X_train[:, [0, 2]].mean(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert data.X_train[:, [0, 2]].std(axis=0) == pytest.approx([1, 1], abs=1e-6)
    assert not data.X_train[:, 1].any()  # 0.1 has no exact mean, yet a constant becomes 0
    mean, std = plain.X_train[:, 0].mean(), plain.X_train[:, 0].std()
    assert data.X_val[:, 0] == pytest.approx((plain.X_val[:, 0] - mean) / std, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "fields", "reason"),
    [
        ("a,b,c\n1,2,3\n1,2\n", {}, ":3: 2 fields, expected 3"),
        ("a,b\n\n1,2\n\n1,2,3\n", {}, ":5: 3 fields, expected 2"),
        ("a,b\n1,2\nx,3\n", {}, ":3: column 'a': 'x' is not a number"),
        ("a,b\n,3\n", {}, ":2: column 'a': '' is not a number"),
        ("1,2\n1,2\n?,2\n", {"header": False}, ":3: column 0: '[?]' is not a number"),
        ("a,b\nnan,3\n", {}, ":2: column 'a': 'nan' is not a finite number"),
        ("a,b\n1,-inf\n", {"labels": False}, ":2: column 'b': '-inf' is not a finite number"),
        ("a,b\n1e300,3\n", {}, ":2: column 'a': '1e300' is not a finite number up to 3.4e[+]38"),
        ("a,b\n1,cat\n", {"labels": False}, ":2: column 'b': 'cat' is not a number"),
        ("a,b\n1, \n", {}, ":2: column 'b': the label is missing"),
        (
            "a,t\n1,0\n2,1\n3,nan\n4,0\n",
            {},
            ":4: column 't': the label is missing: 'nan'; delete the row, or .* missing",
        ),
        *((f"a,t\n1,x\n2,{text}\n", {}, ":3: column 't': the label is missing") for text in MISSING),
        ("5.1,3.5,0\n4.9,3.0,0\n7.0,3.2,1\n", {}, ":1: the header is made of numbers: 5.1, 3.5, 0; .* header to false"),
        ("5.1,3.5,x\n4.9,3.0,x\n7.0,3.2,y\n", {}, ":1: the header is made of numbers: 5.1, 3.5, x; .* header to false"),
        ("x,5,3\ny,4,2\nx,1,1\n", {"target": 0}, ":1: the header is made of numbers: x, 5, 3"),
        ("a,b\n1,2\n", {"header": False}, ":1: column 0: 'a' is not a number; .* set header to true"),
        ("a;b;t\n1;2;0\n3;4;1\n", {}, ":1: one column; the fields seem .* ';': set delimiter to ';' .it is ','"),
        ("a\tb\n1\t2\n", {}, r":1: one column; .*set delimiter to '\\t'"),
        ("a b t\n1 2 0\n", {}, ":1: one column; .* set delimiter to ' '"),
        ("a,b\n1,2\n", {"delimiter": ";"}, ":1: one column; .* set delimiter to ','"),
        ("n, m;k;t\n1,5;2;0\n3;4;1\n", {}, ":3: 1 fields, expected 2; .* set delimiter to ';'"),
        ("1,5;2,5;0\n1,5;3,5;1\n", {"header": False}, ":1: column 1: '5;2' is not a number"),
        ("a;t\n1,5;0\n", {"delimiter": ";"}, ":2: column 'a': '1,5' is not a number; write decimals with a point"),
        (
            "a,b\n1,0.5\n2,3\n",
            {},
            ": labels such as '0.5' are numbers to be predicted, not classes: set labels to false",
        ),
        ("", {}, ": the file is empty"),
        ("\n\n", {}, ": the file is empty"),
        ("a\n1\n", {}, ":1: one column, expected at least one feature"),
        ("a,b\n", {}, ": there is no row below the header"),
        (
            PETS,
            {"target": "hieght"},
            ":1: no column 'hieght'. Did you mean 'height'[?] Columns: 'height', 'weight', 'kind'",
        ),
        (PETS, {"target": 3}, ":1: no column 3: there are 3, 0 to 2"),
        (PETS, {"target": -4}, ":1: no column -4"),
        ("a,b,a\n1,2,3\n", {"target": "a"}, ":1: more than one column is called 'a'"),
        ("a,b,a,c,b\n1,2,3,4,x\n", {"target": "c"}, ":1: more than one column is called 'a', 'b'; rename the columns"),
        ("1,2\n", {"header": False, "target": "a"}, ":1: no column 'a': without a header"),
        ('a,b\n1,"2\n', {}, ":2: not CSV: unexpected end of data"),
        ("a,b\n" + "1" * 200_000 + ",2\n", {}, ":2: not CSV: field larger than field limit"),
    ],
)
def test_errors_lead_to_file_line_and_column(load, path, text, fields, reason):
    with pytest.raises(ValueError, match=f"data.csv{reason}") as caught:
        load(text, **fields)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("allowed", "reason"), [(10, "the file has 24 bytes; 10"), (30, ":2: the rows up to this one take 216 bytes")]
)
def test_no_more_memory_is_taken_than_is_allowed(load, monkeypatch, allowed, reason):
    monkeypatch.setenv("FCFRAME_MAX_BYTES", str(allowed))
    with pytest.raises(ValueError, match=rf"data\.csv.*{reason}"):
        load("a,b\n1,2\n3,4\n5,6\n7,8\n9,0\n")


def test_a_part_of_the_rows_is_not_a_row_short_for_how_floats_are_rounded(load):
    data = load("a,b\n" + "1,2\n" * 100, validation=0.29, test=0.28)
    assert (len(data.X_val), len(data.X_test)) == (29, 28)


def test_a_path_cannot_write_to_the_terminal():
    with pytest.raises(OSError, match="no such file") as caught:
        CSV(path="a\n\x1b[31m.csv").load(np.dtype("float32"), np.random.default_rng(0))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("content", "fields", "reason"),
    [
        (b"a,b\n1,\xff\n", {}, ":2: not text in utf-8; set encoding to the file's own, perhaps 'latin-1'"),
        (b"a,b\n" + b"1,x\n" * 9000 + b"1,caf\xe9\n" + b"1,x\n" * 9000, {}, ":9002: not text in utf-8"),
        ("a,b\n1,x\n".encode("utf-16"), {}, ":1: not text in utf-8; .* perhaps 'utf-16'"),
        ("a,b\n1,é\n".encode(), {"encoding": "ascii"}, ":2: not text in ascii"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line_and_a_remedy(path, content, fields, reason):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"data.csv{reason}"):
        CSV(path=str(path), **fields).load(np.dtype("float32"), np.random.default_rng(0))


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-16"])
def test_a_file_is_read_in_its_encoding(path, encoding):
    path.write_bytes("größe,t\n1,é\n2,ü\n".encode(encoding))
    data = CSV(path=str(path), encoding=encoding, **WHOLE).load(np.dtype("float32"), np.random.default_rng(0))
    assert data.fitted["features"] == ["größe"]
    assert data.classes == ("é", "ü")


def test_every_encoding_is_one_that_python_reads(load):
    for encoding in get_args(CSV.model_fields["encoding"].annotation):
        assert "a1;".encode(encoding).decode(encoding) == "a1;"


@pytest.mark.parametrize("encoding", ["nonsense", "zlib", "rot13", "a\0b", "undefined", "", "UTF8"])
def test_an_encoding_is_one_of_texts(encoding):
    with pytest.raises(ValidationError, match="'utf-8', 'utf-16'"):
        CSV(path="a", encoding=encoding)


def test_a_text_for_missing_labels_may_be_a_class_where_the_spec_says_so(load):
    assert load("a,country\n1,NA\n2,de\n", missing=("nan",)).classes == ("NA", "de")
    with pytest.raises(ValueError, match=r":2: column 'country': the label is missing: 'nowhere'"):
        load("a,country\n1,nowhere\n2,de\n", missing=("Nowhere",))


def test_words_that_only_look_like_missing_labels_are_classes(load):
    assert load("a,b\n1,nano\n2,nadir\n3,+\n4,-\n").classes == ("+", "-", "nadir", "nano")


def test_a_label_that_no_training_row_has_is_noted(load, caplog):
    load("a,b\n" + "1,x\n" * 40 + "".join(f"1,rare{i}\n" for i in range(30)), validation=0.2)
    assert "no training row has the label 'rare" in caplog.text


@pytest.mark.parametrize(("fields", "splits"), [({}, ["validation", "test"]), ({"validation": 0}, ["test"])])
def test_a_split_that_is_asked_for_and_empty_is_noted(load, path, caplog, fields, splits):
    load("a,b\n1,2\n3,4\n5,6\n", labels=False, **fields)
    notes = [f"data: {path}: the {split} split is empty: 0.1 of 3 rows is less than one row" for split in splits]
    assert [record.getMessage() for record in caplog.records] == notes
    assert {(record.name, record.levelname) for record in caplog.records} == {("fcframe", "WARNING")}


def test_a_row_is_called_by_its_line_in_the_file(load, path):
    data = load('a,b\n1,x\n\n2,"y\nz"\n3,x\n', **WHOLE)
    lines = {1: 2, 2: 5, 3: 6}
    for row, a in enumerate(data.X_train[:, 0]):
        assert data.where("train", row) == f"{path}:{lines[a]}"


@pytest.mark.parametrize(
    "line",
    [
        ",".join(["1"] * 1_000_000),
        ",".join(["1"] * 100_000) + ',"\n' * 20_000,
        "1" * 3_000_000,
        ",".join(["12"] * 500_000),
    ],
    ids=["fields", "quoted", "field", "wider fields"],
)
@pytest.mark.parametrize("start", ["", "a,b\n1,2\n"], ids=["first", "later"])
def test_a_row_too_large_for_the_memory_is_refused_before_it_is_read(path, monkeypatch, line, start):
    path.write_text(start + line)
    monkeypatch.setenv("FCFRAME_MAX_BYTES", str(6_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(
            ValueError, match=rf"data.csv:{start.count(chr(10)) + 1}: a row of more .*FCFRAME_MAX_BYTES"
        ):
            CSV(path=str(path)).load(np.dtype("float32"), np.random.default_rng(0))
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_different_labels_count_as_memory(load, monkeypatch):
    text = "a,b\n" + "".join(f"1,x{i}\n" for i in range(30_000))
    monkeypatch.setenv("FCFRAME_MAX_BYTES", "3000000")
    with pytest.raises(ValueError, match=r"take .* bytes in memory; 3,000,000 are allowed"):
        load(text)
    assert len(load("a,b\n" + "1,x\n" * 30_000).X_train) == 24_000


def test_a_limit_that_is_no_number_is_refused(load, monkeypatch):
    monkeypatch.setenv("FCFRAME_MAX_BYTES", "2GB")
    with pytest.raises(fcframe.SpecError, match=r"FCFRAME_MAX_BYTES: expected a whole number of bytes.*got '2GB'"):
        load("a,b\n1,2\n")


def test_a_missing_file_is_named_with_the_places(tmp_path, monkeypatch):
    monkeypatch.setenv("FCFRAME_DATA", str(tmp_path))
    with pytest.raises(OSError, match=rf"^nowhere.csv: there is no such file, nor {tmp_path}/nowhere.csv; "):
        CSV(path="nowhere.csv").load(np.dtype("float32"), np.random.default_rng(0))


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n"])
def test_a_delimiter_is_one_character_that_can_delimit(delimiter):
    with pytest.raises(ValidationError):
        CSV(path="a", delimiter=delimiter)


def experiment(path, loss, **fields):
    return fcframe.load_spec(
        {
            "network": {
                "input": [2],
                "layers": [{"type": "affine", "units": 1 if loss == "mse" else 3}],
                "loss": {"type": loss},
            },
            "data": {"type": "csv", "path": str(path), "standardize": True, **fields},
            "training": {"optimizer": {"type": "adam", "learning_rate": 0.1}, "epochs": 200, "batch_size": 10},
        }
    )


def test_a_network_learns_from_a_table(path):
    rng = np.random.default_rng(0)
    points = rng.normal(50, 20, (200, 2))
    path.write_text("u,v,y\n" + "".join(f"{u},{v},{3 * u - v + 7}\n" for u, v in points))
    run = fcframe.train(experiment(path, "mse", labels=False, validation=0.2))
    assert run.test["test_r2"] > 0.999


def test_training_reports_a_ragged_row_as_a_data_error(path):
    path.write_text(PETS + "1,2\n")
    with pytest.raises(fcframe.DataError, match=r"data.csv:6: 2 fields, expected 3"):
        fcframe.train(experiment(path, "softmax"))


@pytest.mark.parametrize("labels", ["10 20 30", "1 2 3", "a b c"])
def test_the_numbers_of_classes_are_not_taken_for_numbers_to_be_predicted(path, labels):
    path.write_text("u,v,y\n" + "".join(f"{i},{i % 3},{labels.split()[i % 3]}\n" for i in range(30)))
    with pytest.raises(fcframe.DataError, match=r"labels of the classes '.*', but the mse loss predicts numbers"):
        fcframe.train(experiment(path, "mse"))


def test_a_label_that_the_network_has_no_score_for_is_told_with_its_line(path):
    path.write_text("u,v,y\n" + "0,1,a\n0,1,b\n0,1,c\n" * 10 + "0,1,d\n")
    with pytest.raises(fcframe.DataError, match=r"csv:32: there is no score for the label 'd': .* 4 classes \('a', "):
        fcframe.train(experiment(path, "softmax", validation=0, test=0))
