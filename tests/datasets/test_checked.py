"""What the harness says of datasets: of rows that are read again, and of data that cannot be loaded."""

import numpy as np
import pytest

import fcframe
from fcframe import Data, Dataset

READ = "rows_that_are_read_again_are_the_same_examples"


def numbers():
    return np.random.default_rng(0).normal(size=(60, 3))


class Base:
    """Rows of random numbers, centred on the training rows; what a broken dataset does otherwise is overridden."""

    def load(self, dtype, rng):
        source = numbers()
        order = rng.permutation(len(source))
        rows = {"train": order[:40], "val": order[40:50], "test": order[50:]}
        fitted = {"mean": source[rows["train"]].mean(axis=0), "names": ("a", "b", "c")}
        X = (source[order] - fitted["mean"]).astype(dtype)
        y = source[order, 0].astype(dtype)
        return Data(X[:40], y[:40], X[40:50], y[40:50], X[50:], y[50:], fitted, rows=rows)

    def read(self, source, fitted, dtype):
        assert isinstance(fitted["names"], list)  # as JSON has it
        return (source - fitted["mean"]).astype(dtype), source[:, 0].astype(dtype)

    def own_source(self):
        return numbers()


def made(name, **methods):
    """A dataset of those methods."""
    parts = {key: value for key, value in vars(Base).items() if key in ("load", "read", "own_source")}
    return type(name, (Dataset,), {"type": name.lower(), "__module__": __name__, **parts, **methods})


def lines(dataset, check=READ):
    return [result for result in fcframe.gradcheck(dataset) if result.check == check]


def test_a_dataset_that_reads_its_rows_again_passes():
    report = fcframe.gradcheck(made("Fair"))
    assert report.passed
    assert [line.status.value for line in lines(made("Fair"))] == ["passed"]


@pytest.mark.parametrize(
    ("name", "missing"),
    [("read", "it has no method `read`"), ("own_source", "`read` cannot be called without the method `own_source`")],
)
def test_a_dataset_that_reads_nothing_passes_and_says_why(name, missing):
    dataset = made("Less", **{name: vars(Dataset)[name]})
    assert fcframe.gradcheck(dataset).passed
    assert [line.status.value for line in lines(dataset)] == ["not applicable"]
    assert missing in lines(dataset)[0].message


def without_mean(self, source, fitted, dtype):
    return source.astype(dtype), None


def refitted(self, source, fitted, dtype):
    return (source - source.mean(axis=0)).astype(dtype), None


def shuffled(self, source, fitted, dtype):
    return (source - fitted["mean"])[::-1].astype(dtype), None


def other_targets(self, source, fitted, dtype):
    return (source - fitted["mean"]).astype(dtype), source[:, 1].astype(dtype)


def double(self, source, fitted, dtype):
    return source - fitted["mean"], None


def alone(self, source, fitted, dtype):
    return (source - fitted["mean"]).astype(dtype)


def short(self, source, fitted, dtype):
    return (source - fitted["mean"])[:50].astype(dtype), None


@pytest.mark.parametrize("read", [without_mean, refitted, shuffled, other_targets, double, alone, short])
def test_a_dataset_that_reads_rows_in_another_way_fails(read):
    report = fcframe.gradcheck(made("Other", read=read))
    assert {failure.check for failure in report.failures} == {READ}


def test_a_dataset_that_reads_and_does_not_say_which_row_is_which_fails():
    def load(self, dtype, rng):
        data = Base.load(self, dtype, rng)
        return Data(*(array for pair in data.splits().values() for array in pair), data.fitted)

    report = fcframe.gradcheck(made("Unnumbered", load=load))
    assert {failure.check for failure in report.failures} == {READ}
    assert "rows" in report.failures[0].message


def raising(error):
    def load(self, dtype, rng):
        raise error

    return load


@pytest.mark.parametrize(
    "error", [SystemExit(0), OSError("disk"), PermissionError("no"), ValueError("x"), FileNotFoundError(), KeyError()]
)
def test_a_dataset_that_can_never_be_loaded_fails(error):
    report = fcframe.gradcheck(made("Never", load=raising(error)))
    assert not report.passed
    assert len(report.failures) >= 6


def test_a_dataset_whose_file_is_missing_says_which_and_passes():
    report = fcframe.gradcheck(made("Absent", load=raising(FileNotFoundError("points.bin: there is no such file"))))
    assert report.passed
    assert any("points.bin" in reason for reason in report.reasons())


def test_a_note_on_the_data_is_not_taken_for_output(tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("a,b,t\n1,2,x\n3,4,y\n5,6,x\n")
    report = fcframe.gradcheck(fcframe.registry().datasets["csv"](path=str(path)))
    assert report.passed
    assert [line.status.value for line in lines(fcframe.registry().datasets["csv"](path=str(path)))] == ["passed"]
