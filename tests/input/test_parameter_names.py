"""Unknown parameters: the message suggests the one that was probably meant."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import ckmeans
from ckmeans import BisectingKMeans, KMeans, MiniBatchKMeans, k_means
from ckmeans._input.parameter_names import SYNONYMS, suggestion

ESTIMATORS = (KMeans, MiniBatchKMeans, BisectingKMeans)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "name, meant",
    [
        ("K", "n_clusters"),
        ("k", "n_clusters"),
        ("num_clusters", "n_clusters"),
        ("n_cluster", "n_clusters"),
        ("centers", "n_clusters"),
        ("max_iters", "max_iter"),
        ("max_itr", "max_iter"),
        ("Max_Iter", "max_iter"),
        ("seed", "random_state"),
        ("n_jobs", "n_threads"),
    ],
)
def test_a_name_of_other_libraries_or_a_misspelled_one(estimator, name, meant):
    wanted = rf"unexpected keyword argument '{name}'\. Did you mean '{meant}'\?$"
    with pytest.raises(TypeError, match=wanted):
        estimator(**{name: 3})
    with pytest.raises(ValueError, match=rf"Invalid parameter '{name}' .* mean '{meant}'\?$"):
        estimator(3).set_params(**{name: 3})


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_name_like_no_other(estimator):
    with pytest.raises(TypeError, match="unexpected keyword argument 'plot_steps'$"):
        estimator(3, plot_steps=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'self_'$"):
        estimator(3, self_=True)


def test_functions_and_estimators_over_blocks():
    with pytest.raises(TypeError, match=r"k_means\(\) got .* 'k'\. Did you mean 'n_clusters'\?"):
        k_means(np.eye(3), k=2)
    with pytest.raises(TypeError, match=r"'n_runs'\. Did you mean 'n_init'\?"):
        k_means(np.eye(3), 2, n_runs=5)
    pytest.importorskip("dask")
    with pytest.raises(TypeError, match=r"Did you mean 'n_clusters'\?"):
        ckmeans.dask.KMeans(k=3)


def test_what_is_known_of_a_signature_stays():
    assert list(inspect.signature(KMeans).parameters)[:3] == ["n_clusters", "init", "n_init"]
    assert inspect.signature(k_means).parameters["max_iter"].default == 300
    for estimator in ESTIMATORS:
        model = estimator(5, random_state=1)
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert other.get_params() == model.get_params()


def test_subclasses_that_hand_on_their_options():
    class Mine(KMeans):
        def __init__(self, extra=1, **options):
            super().__init__(**options)
            self.extra = extra

    assert Mine(extra=2, n_clusters=4).get_params()["n_clusters"] == 4
    with pytest.raises(TypeError, match=r"Did you mean 'n_clusters'\?"):
        Mine(extra=2, k=4)


def test_no_synonym_means_two_things():
    names = [name for group in SYNONYMS for name in group]
    assert len(names) == len(set(names))
    assert suggestion("seed", ["random_state"]) == "random_state"
    assert suggestion("seed", ["seed", "random_state"]) == "seed"
    assert suggestion("k", []) is None
