"""The peers: how each library is called for the same work.

A driver class wraps one library behind the few calls that ``tasks.py`` needs. It is created inside
the worker, after the thread counts of the environment have been set, and imports its library only
there.
"""

from dataclasses import dataclass
from importlib.util import find_spec

FLOAT32, BOTH = frozenset({"float32"}), frozenset({"float32", "float64"})


class Estimator:
    """A library whose class has scikit-learn's names and its test of convergence."""

    converges = True
    options = {"algorithm": "lloyd"}

    def fit(self, X, centers, n_iter, finish):
        """Run at most `n_iter` iterations from `centers`; the library makes the last assignment by
        itself.
        """
        model = self.KMeans(
            len(centers), init=centers, n_init=1, max_iter=n_iter, tol=0, **self.options
        )
        return model.fit(X)

    def restarts(self, X, k, n_init, n_iter, seed):
        """A fit as users write it: the library's own initial centers and stopping rule."""
        return self.KMeans(k, n_init=n_init, random_state=seed, **self.options).fit(X)

    def model(self, centers):
        """A fitted model with these centers: it is fitted to the centers, one in each cluster."""
        return self.fit(centers, centers, 1, True)

    def centers(self, model):
        return model.cluster_centers_

    def n_iter(self, model):
        return int(model.n_iter_)

    def predict(self, model, X):
        return model.predict(X)

    def transform(self, model, X):
        return model.transform(X)

    def plusplus(self, X, k, seed):
        return self.kmeans_plusplus(X, k, random_state=seed)[0]

    def about(self):
        """What the report should say about this peer besides its version."""
        return {}


class Ckmeans(Estimator):
    def __init__(self, threads):
        import ckmeans

        self.KMeans, self.kmeans_plusplus = ckmeans.KMeans, ckmeans.kmeans_plusplus
        self.options = {"algorithm": "lloyd", "n_threads": threads}

    def about(self):
        import contextlib
        import io

        import ckmeans

        text = io.StringIO()
        with contextlib.redirect_stdout(text):
            ckmeans.show_config()
        config = text.getvalue().strip()
        return {
            "version": ckmeans.__version__,
            "isa": config.partition("instruction set")[2].split()[0],
            "config": config,
        }


class Auto(Ckmeans):
    """One of our own algorithms, by its name: for the page that compares them."""

    algorithm = "auto"
    counts = True  # the distances that it computes

    def __init__(self, threads):
        super().__init__(threads)
        self.options = {"algorithm": self.algorithm, "n_threads": threads}


class Lloyd(Auto):
    algorithm = "lloyd"


class Bytes(Auto):
    algorithm = "bytes"


class Boxes(Auto):
    algorithm = "boxes"


class Yinyang(Auto):
    algorithm = "yinyang"


class Projected(Auto):
    algorithm = "projected"


class ScikitLearn(Estimator):
    def __init__(self, threads):
        from sklearn.cluster import KMeans, kmeans_plusplus

        self.KMeans, self.kmeans_plusplus = KMeans, kmeans_plusplus


class ScikitLearnElkan(ScikitLearn):
    options = {"algorithm": "elkan"}


class Intelex(Estimator):
    def __init__(self, threads):
        # Its threads are TBB's, which read no environment variable.
        from daal4py import daalinit
        from sklearnex.cluster import KMeans

        daalinit(threads)
        self.KMeans = KMeans

    def model(self, centers):
        import numpy as np

        # It hands a fit with as many clusters as rows to scikit-learn, and then cannot predict.
        return self.fit(np.tile(centers, (2, 1)), centers, 1, True)


class Faiss:
    """No test of convergence and float32 only; by default it would use a sample of the rows."""

    converges = False

    def __init__(self, threads):
        import faiss

        faiss.omp_set_num_threads(threads)
        self.faiss = faiss

    def _kmeans(self, d, k, **options):
        return self.faiss.Kmeans(
            d, k, min_points_per_centroid=1, max_points_per_centroid=2**31 - 1, **options
        )

    def fit(self, X, centers, n_iter, finish):
        model = self._kmeans(X.shape[1], len(centers), niter=n_iter)
        model.train(X, init_centroids=centers)
        if finish:
            model.assign(X)
        return model

    def restarts(self, X, k, n_init, n_iter, seed):
        options = {"niter": n_iter, "nredo": n_init, "seed": seed}
        if hasattr(self.faiss, "ClusteringInitMethod_KMEANS_PLUS_PLUS"):
            options["init_method"] = self.faiss.ClusteringInitMethod_KMEANS_PLUS_PLUS
        model = self._kmeans(X.shape[1], k, **options)
        model.train(X)
        model.assign(X)
        return model

    def model(self, centers):
        model = self._kmeans(centers.shape[1], len(centers))
        model.centroids = centers
        return model

    def centers(self, model):
        return model.centroids

    def n_iter(self, model):
        return model.cp.niter

    def predict(self, model, X):
        return model.assign(X)[1]

    def transform(self, model, X):
        import numpy as np

        sq = self.faiss.pairwise_distances(X, model.centroids)
        return np.sqrt(np.maximum(sq, 0, out=sq), out=sq)

    def about(self):
        return {"config": self.faiss.get_compile_options().strip()}


class FaissSuper(Faiss):
    """SuperKMeans in faiss: approximate, and from its own random rows."""

    def fit(self, X, centers, n_iter, finish):
        model = self.faiss.SuperKmeans(
            X.shape[1],
            len(centers),
            niter=n_iter,
            min_points_per_centroid=1,
            max_points_per_centroid=2**31 - 1,
        )
        model.train(X)
        return model


class SuperKMeans:
    """The authors' own: approximate, from its own random rows; flat, and over all rows."""

    converges = False

    def __init__(self, threads):
        from superkmeans import SuperKMeans

        self.SuperKMeans, self.threads = SuperKMeans, threads

    def fit(self, X, centers, n_iter, finish):
        model = self.SuperKMeans(
            len(centers),
            X.shape[1],
            iters=n_iter,
            hierarchical=False,
            sampling_fraction=1.0,
            early_termination=False,
            max_points_per_cluster=10**9,
            n_threads=self.threads,
        )
        self.found, self.iterations = model.train(X), n_iter
        return model

    def centers(self, model):
        return self.found

    def n_iter(self, model):
        return self.iterations

    def predict(self, model, X):
        return model.assign(X, self.found)

    def about(self):
        return {}


class Clostera:
    """Dense rows, from its own random rows; float32 only."""

    converges = False

    def __init__(self, threads):
        # Its threads are Rayon's, whose number is read from the environment once.
        from clostera import DenseKMeans

        self.DenseKMeans = DenseKMeans

    def fit(self, X, centers, n_iter, finish):
        self.iterations = n_iter
        return self.DenseKMeans(k=len(centers), iterations=n_iter, init="random").fit(X)

    def centers(self, model):
        return model.cluster_centers_

    def n_iter(self, model):
        return self.iterations

    def predict(self, model, X):
        return model.predict(X)

    def about(self):
        return {}


class Scipy:
    """`kmeans2`: no test of convergence, one thread. A fitted model is the array of its centers."""

    converges = False

    def __init__(self, threads):
        from scipy.cluster.vq import kmeans2, vq
        from scipy.spatial.distance import cdist

        self.kmeans2, self.vq, self.cdist = kmeans2, vq, cdist

    def fit(self, X, centers, n_iter, finish):
        model, _ = self.kmeans2(X, centers, iter=n_iter, minit="matrix")
        if finish:
            self.vq(X, model)
        self.iterations = n_iter
        return model

    def restarts(self, X, k, n_init, n_iter, seed):
        def run(start):
            model, _ = self.kmeans2(X, k, iter=n_iter, minit="++", rng=start)
            return (self.vq(X, model)[1] ** 2).sum(), start, model

        self.iterations = n_iter
        return min(run(1000 * seed + i) for i in range(n_init))[2]

    def model(self, centers):
        return centers

    def centers(self, model):
        return model

    def n_iter(self, model):
        return self.iterations

    def predict(self, model, X):
        return self.vq(X, model)[0]

    def transform(self, model, X):
        return self.cdist(X, model)

    def about(self):
        return {}


FITS = frozenset({"fit", "iteration", "restarts", "memory"})
USES = frozenset({"predict", "row", "transform"})
SEEDS = frozenset({"plusplus"})
ALGORITHMS = frozenset({"algorithms"})
WIDE = frozenset({"wide"})


@dataclass(frozen=True)
class Peer:
    name: str  # on the command line and in the tables
    module: str  # what to import
    distribution: str  # what to install
    driver: type
    tasks: frozenset  # what is measured; a task that another peer already covers is left out
    dtypes: frozenset

    @property
    def installed(self):
        return find_spec(self.module) is not None


PEERS = {
    peer.name: peer
    for peer in (
        Peer("ckmeans", "ckmeans", "ckmeans-cython", Ckmeans, FITS | USES | SEEDS | WIDE, BOTH),
        *(
            Peer(driver.algorithm, "ckmeans", "ckmeans-cython", driver, ALGORITHMS, BOTH)
            for driver in (Auto, Lloyd, Bytes, Boxes, Yinyang, Projected)
        ),
        Peer(
            "sklearn",
            "sklearn",
            "scikit-learn",
            ScikitLearn,
            FITS | USES | SEEDS | ALGORITHMS | WIDE,
            BOTH,
        ),
        Peer("sklearn-elkan", "sklearn", "scikit-learn", ScikitLearnElkan, FITS | ALGORITHMS, BOTH),
        Peer(
            "sklearnex",
            "sklearnex",
            "scikit-learn-intelex",
            Intelex,
            FITS | USES | ALGORITHMS | WIDE,
            BOTH,
        ),
        Peer("faiss", "faiss", "faiss-cpu", Faiss, FITS | USES | ALGORITHMS | WIDE, FLOAT32),
        Peer("faiss-super", "faiss", "faiss-cpu", FaissSuper, WIDE, FLOAT32),
        Peer("superkmeans", "superkmeans", "superkmeans", SuperKMeans, WIDE, FLOAT32),
        Peer("clostera", "clostera", "clostera", Clostera, WIDE, FLOAT32),
        Peer("scipy", "scipy", "scipy", Scipy, FITS | USES, BOTH),
    )
}
