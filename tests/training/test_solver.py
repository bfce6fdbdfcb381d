import tracemalloc
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest

import fcframe
from fcframe.training.evaluation import Evaluator
from fcframe.training.output import PlainOutput
from tests.training.toys import Recorder, Toy, experiment


def steps(recorder):
    return [call for call in recorder.calls if call[0] == "step_end"]


def test_the_same_spec_gives_the_same_bytes():
    layers = [
        {"type": "affine", "units": 6},
        {"type": "batchnorm"},
        {"type": "relu"},
        {"type": "dropout"},
        {"type": "affine", "units": 2},
    ]
    first, second = (fcframe.train(experiment(layers=layers, optimizer={"type": "adam"})) for _ in range(2))
    assert first.network.params.flat.tobytes() == second.network.params.flat.tobytes()
    assert first.network.state.flat.tobytes() == second.network.state.flat.tobytes()
    assert first.history.losses.tobytes() == second.history.losses.tobytes()
    assert first.history.evaluations == second.history.evaluations


def test_a_run_with_components_that_are_not_registered_is_written_too(tmp_path):
    run = fcframe.train(experiment(), out=tmp_path / "run")
    assert '"tests.training.toys": "not registered"' in (run.path / "summary.json").read_text()


def test_another_seed_gives_another_network_on_the_same_data():
    runs = [fcframe.train(experiment(seed=seed)) for seed in (0, 1)]
    assert runs[0].network.params.flat.tobytes() != runs[1].network.params.flat.tobytes()


def test_the_global_random_state_is_neither_read_nor_changed():
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    first = fcframe.train(experiment())
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert fcframe.train(experiment()).history.losses == first.history.losses


def test_hooks_are_called_in_the_order_of_the_life_cycle():
    recorder = Recorder()
    fcframe.train(experiment(epochs=2, batch_size=30), observers=[recorder])
    names = [call if isinstance(call, str) else call[0] for call in recorder.calls]
    assert names == [
        "training_start", "gradients", "step_end", "evaluation", "gradients", "step_end", "evaluation", "epoch_end",
        "gradients", "step_end", "gradients", "step_end", "evaluation", "epoch_end", "updates_end", "training_end",
    ]  # fmt: skip
    assert [call[1:] for call in recorder.calls if call[0] == "evaluation"] == [(0, 1), (1, 2), (2, 4)]


def test_observers_change_nothing_in_what_is_learned():
    watched, alone = fcframe.train(experiment(), observers=[Recorder()]), fcframe.train(experiment())
    assert watched.network.params.flat.tobytes() == alone.network.params.flat.tobytes()


def test_plain_output_reads_as_in_the_course():
    lines = []
    fcframe.train(experiment(epochs=1, batch_size=10), observers=[PlainOutput(lines.append, print_every=4)])
    run = fcframe.train(experiment(epochs=1, batch_size=10))
    losses, (start, end) = run.history.losses, run.history.evaluations
    assert lines == [
        f"(Iteration 1 / 6) loss: {losses[0]:.6f}",
        f"(Epoch 0 / 1) train acc: {start.results['train_acc']:.6f}; val_acc: {start.results['val_acc']:.6f}",
        f"(Iteration 5 / 6) loss: {losses[4]:.6f}",
        f"(Epoch 1 / 1) train acc: {end.results['train_acc']:.6f}; val_acc: {end.results['val_acc']:.6f}",
    ]


def test_one_step_of_the_solver_is_the_network_s_loss_and_one_update():
    spec = experiment(epochs=1, batch_size=60, evaluation={"keep_best": False})
    run = fcframe.train(spec)
    network = fcframe.build(spec, seed=0)
    data = spec.data.load(np.dtype("float32"), np.random.default_rng(0))
    loss, grads = network.loss(data.X_train, data.y_train)
    assert run.history.losses[0] == pytest.approx(loss, rel=1e-6)
    for name, w in run.network.params.items():
        np.testing.assert_allclose(w, network.params[name] - 0.1 * grads[name], rtol=1e-5, atol=1e-7)


def test_the_best_parameters_are_put_back():
    spec = experiment(epochs=30, optimizer={"type": "sgd", "learning_rate": 3.0})
    run = fcframe.train(spec)
    best = max(found.results["val_acc"] for found in run.history.evaluations)
    assert run.best.results["val_acc"] == best
    data = spec.data.load(np.dtype("float32"), np.random.default_rng(0))
    assert (run.network.scores(data.X_val).argmax(axis=1) == data.y_val).mean() == pytest.approx(best)


def test_the_best_parameters_are_put_back_even_if_no_example_is_ever_right():
    class Wrong(Toy):
        def load(self, dtype, rng):
            data = super().load(dtype, rng)
            scores = fcframe.train(experiment()).network.scores(data.X_val)
            return fcframe.Data(
                data.X_train, data.y_train, data.X_val, 1 - scores.argmax(axis=1), data.X_test, data.y_test
            )

    run = fcframe.train(experiment(data=Wrong(), epochs=1))
    assert np.isfinite(run.network.params.flat).all()
    assert run.network.params.flat.any()


def test_the_last_parameters_stay_where_the_spec_says_so():
    kept, last = (
        fcframe.train(
            experiment(epochs=9, optimizer={"type": "sgd", "learning_rate": 3.0}, evaluation={"keep_best": keep})
        )
        for keep in (True, False)
    )
    assert kept.best == last.best
    assert kept.best.epoch < 9
    assert kept.network.params.flat.tobytes() != last.network.params.flat.tobytes()


def test_the_best_evaluation_of_a_regression_is_the_one_with_the_highest_r2():
    spec = experiment(
        loss="mse", data=Toy(regression=True), epochs=20, optimizer={"type": "adam", "learning_rate": 0.02}
    )
    run = fcframe.train(spec)
    assert run.best.results["val_r2"] == max(run.history.series("val_r2"))
    assert run.test["test_r2"] > 0.8


def test_without_validation_examples_the_last_parameters_count():
    run = fcframe.train(experiment(data=Toy(held_out=0)))
    assert run.best is run.history.evaluations[-1]
    assert run.test == {}


def test_sampling_with_replacement_counts_as_the_course_does():
    run = fcframe.train(experiment(data=Toy(rows=55), batch_size=10, sampling="with_replacement", epochs=2))
    assert len(run.history.losses) == 2 * 5


def test_a_batch_larger_than_the_data_is_all_of_the_data():
    assert len(fcframe.train(experiment(batch_size=1000, epochs=2)).history.losses) == 2


def test_evaluations_come_as_often_as_the_spec_says_and_at_the_end():
    run = fcframe.train(experiment(epochs=5, evaluation={"every": 2, "train_sample": 7}))
    assert [found.epoch for found in run.history.evaluations] == [0, 2, 4, 5]


def test_a_schedule_multiplies_the_learning_rate_after_each_epoch():
    run = fcframe.train(experiment(schedule={"type": "exponential", "decay": 0.5}, epochs=3))
    assert run.history.series("learning_rate") == pytest.approx([0.1, 0.1, 0.05, 0.025])


def test_a_schedule_with_state_sees_the_evaluations():
    plateau = {"type": "reduce_on_plateau", "watch": "val_acc", "patience": 0, "decay": 0.1}
    run = fcframe.train(experiment(schedule=plateau, epochs=4))
    rates = run.history.series("learning_rate")
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] < 0.1


def test_a_schedule_that_watches_what_is_not_measured_is_refused_with_what_is():
    message = r"training\.schedule: reduce_on_plateau watches 'val_r2', which is never measured; measured: train_loss"
    with pytest.raises(fcframe.SpecError, match=message):
        fcframe.train(experiment(schedule={"type": "reduce_on_plateau", "watch": "val_r2"}))


def test_a_figure_of_validation_examples_that_there_are_not_is_refused_before_training():
    watching = experiment(schedule={"type": "reduce_on_plateau"}, data=Toy(held_out=0))
    with pytest.raises(
        fcframe.DataError, match=r"training\.schedule: .* 'val_loss', which is not measured with this data"
    ):
        fcframe.train(watching)


def test_a_schedule_that_takes_a_figure_to_improve_the_wrong_way_is_refused():
    plateau = {"type": "reduce_on_plateau", "watch": "val_acc", "better": "lower"}
    with pytest.raises(fcframe.SpecError, match=r"watches 'val_acc', of which higher is better, but the spec says"):
        fcframe.train(experiment(schedule=plateau))


def test_a_schedule_follows_the_watched_figures_own_direction():
    plateau = {"type": "reduce_on_plateau", "watch": "train_acc", "patience": 0, "decay": 0.1}
    run = fcframe.train(experiment(schedule=plateau, epochs=6, optimizer={"type": "sgd", "learning_rate": 0.05}))
    better = [now > before for before, now in pairwise(run.history.series("train_acc"))]
    rates = run.history.series("learning_rate")
    assert not better[0] or rates[1] == rates[0]
    assert (rates[-1] < rates[0]) is (not all(better[:-1]))


def test_a_loss_that_leaves_the_finite_numbers_ends_the_training_with_a_remedy():
    spec = experiment(loss="mse", data=Toy(regression=True), optimizer={"type": "sgd", "learning_rate": 1e30}, epochs=9)
    with pytest.raises(fcframe.DivergenceError, match=r"training diverged: .* Try a lower training\.optimizer\.learn"):
        fcframe.train(spec)


def test_a_training_that_diverges_in_its_last_update_names_that_one():
    data, optimizer = Toy(regression=True), {"type": "sgd", "learning_rate": 1e30}
    for epochs, batch_size, place in [
        (1, 60, r"iteration 1 of 1 \(epoch 1 of 1\)"),
        (2, 1, r"iteration 1 of 120 \(ep"),
    ]:
        spec = experiment(loss="mse", data=data, optimizer=optimizer, epochs=epochs, batch_size=batch_size)
        with pytest.raises(fcframe.DivergenceError, match=place):
            fcframe.train(spec)


class Scripted(fcframe.Metric):
    """Has the values that it is told to have, one after the other."""

    type, label = "scripted", "scripted"
    values: ClassVar = []

    def value(self, scores, y):
        return self.values.pop(0)


@pytest.mark.parametrize(("values", "best"), [("nan nan 0.5 0.4", 2), ("0.5 nan 0.2 nan", 0), ("nan nan nan nan", 0)])
def test_an_evaluation_whose_metric_has_no_value_is_not_better_than_another(values, best):
    Scripted.values[:] = [float(value) for value in values.split() for _ in ("train", "val")] + [0.0]
    run = fcframe.train(experiment(evaluation={"metric": Scripted()}))
    assert run.best is run.history.evaluations[best]


def test_a_metric_that_does_not_go_with_the_labels_is_refused():
    with pytest.raises(
        fcframe.SpecError, match=r"training\.evaluation\.metric: r2 cannot measure this network: the softmax loss has"
    ):
        fcframe.train(experiment(evaluation={"metric": {"type": "r2"}}))


def test_a_sample_to_be_measured_is_never_held_as_a_whole():
    spec = {"input": [500], "layers": [{"type": "affine", "units": 2}], "loss": {"type": "softmax"}}
    network = fcframe.build(fcframe.load_spec(spec))
    X = np.random.default_rng(0).normal(size=(4000, 500)).astype(np.float32)
    y, rows = np.zeros(4000, np.intp), np.arange(3999, 0, -1)
    evaluator = Evaluator(network, network.spec.loss.metric, 100)
    tracemalloc.start()
    sampled = evaluator(X, y, "train", rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes / 4
    assert sampled == evaluator(X[rows], y[rows], "train")


def test_an_evaluation_scores_no_more_examples_at_a_time_than_memory_allows(monkeypatch):
    layers = [{"type": "affine", "units": 100}] * 20 + [{"type": "affine", "units": 2}]
    spec = fcframe.load_spec({"input": [3], "layers": layers, "loss": {"type": "softmax"}})
    network = fcframe.build(spec, kernels="numpy")
    X, y = np.zeros((2000, 3), np.float32), np.zeros(2000, np.intp)
    monkeypatch.setenv("FCFRAME_MAX_BYTES", str(100 * 2002 * 4))  # what 100 examples make
    evaluator = Evaluator(network, network.spec.loss.metric, 2000)
    tracemalloc.start()
    small = evaluator(X, y, "val")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 100 * 2002 * 4
    monkeypatch.delenv("FCFRAME_MAX_BYTES")
    assert small == pytest.approx(Evaluator(network, network.spec.loss.metric, 2000)(X, y, "val"))


@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 0.5), ("adam", 0.03), ("muon", 0.03)])
def test_every_optimizer_learns_the_toy(optimizer, rate):
    run = fcframe.train(experiment(optimizer={"type": optimizer, "learning_rate": rate}, epochs=40))
    assert run.history.series("train_acc")[-1] >= 0.95


def test_a_metric_that_fails_on_the_test_examples_does_not_cost_the_training():
    Scripted.values[:] = [0.5] * 4  # for two evaluations, and none for the test
    run = fcframe.train(experiment(evaluation={"metric": Scripted()}, epochs=1))
    assert run.test == {}
    assert run.notes == ("the test examples could not be measured: IndexError: pop from empty list",)


def test_of_equal_metrics_the_lower_loss_is_better():
    Scripted.values[:] = [0.5] * 20
    run = fcframe.train(experiment(evaluation={"metric": Scripted()}, epochs=3))
    losses = run.history.series("val_loss")
    assert losses[-1] < losses[0]
    assert run.best.results["val_loss"] == min(losses)
