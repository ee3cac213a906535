"""Histories of runs, and what notebooks show."""

import re

import numpy as np
import pytest

import ckmeans
from ckmeans import Iteration, KMeans, Run
from ckmeans._estimators.runs_told import runs_told

X = np.random.default_rng(0).random((400, 3))


def test_a_history_is_what_iter_fit_shows():
    model = KMeans(5, random_state=3, n_init=4, history=True).fit(X)
    assert len(model.history_) == len(model.runs_) == 4
    for run, history in zip(model.runs_, model.history_):
        _, *states = KMeans(5, n_init=1, random_state=run.seed).iter_fit(X)
        assert [(h.n_iter, h.inertia, h.shift, h.n_changed) for h in history] == [
            (s.n_iter, s.inertia, s.shift, s.n_changed) for s in states
        ]
        assert len(history) == run.n_iter and isinstance(history[0], Iteration)
        assert all(h.n_distances > 0 for h in history) and history[0].n_distances >= len(X) * 5
        assert [h.inertia for h in history] == sorted((h.inertia for h in history), reverse=True)


@pytest.mark.parametrize("params", [{}, {"tol": 0.5}, {"max_iter": 2}, {"init": "first"}])
def test_keeping_one_changes_nothing(params):
    plain, kept = (
        KMeans(6, random_state=0, **params).fit(X),
        KMeans(6, random_state=0, history=True, **params).fit(X),
    )
    assert np.array_equal(plain.labels_, kept.labels_) and plain.inertia_ == kept.inertia_
    assert plain.cluster_centers_.tobytes() == kept.cluster_centers_.tobytes()
    assert [run[:4] for run in plain.runs_] == [run[:4] for run in kept.runs_]
    assert not hasattr(plain, "history_")
    assert not hasattr(kept.set_params(history=False).fit(X), "history_")


def test_iter_fit_keeps_one_too():
    model = KMeans(4, random_state=0, history=True)
    _, *states = model.iter_fit(X)
    assert [h.inertia for h in model.history_[0]] == [s.inertia for s in states]


def test_a_history_makes_a_table():
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(KMeans(4, random_state=0, n_init=1, history=True).fit(X).history_[0])
    assert list(table.columns) == ["n_iter", "inertia", "shift", "n_changed", "n_distances"]


def test_history_must_be_true_or_false():
    with pytest.raises(TypeError, match="history must be True or False, got 'yes'"):
        KMeans(2, history="yes").fit(X)


def test_verbose_prints_aligned_lines(capsys):
    KMeans(4, n_init=1, random_state=0, verbose=1).fit(X)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.split()[0].isdecimal()]
    model = KMeans(4, n_init=1, random_state=0).fit(X)
    assert len(lines) == model.n_iter_
    for column in 0, 1:
        assert len({list(re.finditer(r"\S+", line))[column].end() for line in lines}) == 1


def test_a_notebook_shows_the_clusters():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["<a>", "b", "c"])
    model = KMeans(4, n_init=1, random_state=0)
    assert "not fitted" in model._repr_html_() and "<table" not in model._repr_html_()
    page = model.fit(frame)._repr_html_()
    assert page.count("<tr>") == 5 and "&lt;a&gt;" in page and "<a>" not in page
    for count, center in zip(model.counts_, model.cluster_centers_):
        assert f">{count}</td>" in page and f">{center[2]:.4g}</td>" in page
    assert "ended by labels" in page or "ended by tol" in page


def test_a_large_model_is_cut():
    page = (
        KMeans(30, n_init=1, random_state=0)
        .fit(np.random.default_rng(0).random((200, 12)))
        ._repr_html_()
    )
    assert page.count("<tr>") == 21 and "10 more clusters; 4 more features" in page


def test_a_loaded_model_shows_the_same(tmp_path):
    model = KMeans(3, n_init=1, random_state=0).fit(X)
    model.save(tmp_path / "m.npz")
    assert ckmeans.load(tmp_path / "m.npz")._repr_html_() == model._repr_html_()


@pytest.mark.parametrize(
    "runs, line",
    [
        ([], ""),
        ([(7, 2.0)], "1"),
        ([(None, 2.0)], "1"),
        ([(7, 2.0), (7, 2.0)], "1, refined"),
        ([(7, 2.0), (7, 1.5)], "1, the best refined from 2"),
        ([(7, 2.0), (8, 3.0)], "2; 1 reached this inertia, the worst 3"),
        ([(7, 2.0), (8, 2.0)], "2; all reached this inertia"),
        (
            [(7, 2.0), (8, 3.0), (7, 2.0)],
            "2, the best refined; 1 reached this inertia, the worst 3",
        ),
        ([(7, 2.0), (8, 2.0), (7, 2.0)], "2, the best refined; all reached this inertia"),
        ([(7, 2.0), (8, 3.0), (7, 1.0)], "2, the best refined from 2; the worst was 3"),
        ([(None, 2.0), (None, 3.0)], "2; 1 reached this inertia, the worst 3"),
    ],
)
def test_a_refinement_is_no_run_of_its_own(runs, line):
    records = [Run(seed, value, 3, "labels", 0.1) for seed, value in runs]
    assert runs_told(records) == line
