"""k-means step by step: what a tutorial from scratch shows, done with ckmeans.

All examples below are run by a test. ``help("ckmeans.tutorial")`` shows this text.

The data
--------

Three groups of points, as in many tutorials. Any table of numbers will do: an array, a pandas or
polars DataFrame, a list of lists.

>>> import numpy as np
>>> from ckmeans import KMeans
>>> rng = np.random.default_rng(7)
>>> middles = [0, 0], [9, 1], [4, 8]
>>> X = np.concatenate([rng.normal(middle, 1.5, size=(200, 2)) for middle in middles])

Starting
--------

k-means needs k centers to start from. Textbooks take k random rows, or simply the first k:

>>> model = KMeans(n_clusters=3, init="random", n_init=1, tol=0, random_state=0).fit(X)
>>> first = KMeans(n_clusters=3, init="first", tol=0).fit(X)

(With ``tol=0`` iterations continue until no row changes its cluster.) The first rows all lie in the
first group here, and from there k-means reaches a poor solution: two groups share one center.

>>> model.counts_.tolist(), sorted(first.counts_.tolist())[-1] > 350
([200, 200, 200], True)
>>> first.inertia_ > 3 * model.inertia_
True

k-means++, the default for two features or more, tends to draw rows that are far from each other:

>>> from ckmeans import kmeans_plusplus
>>> centers, rows = kmeans_plusplus(X, 3, random_state=0)
>>> sorted((rows // 200).tolist())                       # one row from each group
[0, 1, 2]

You can also pass centers of your own, ``init="random-partition"``, or a function that returns
centers.

>>> KMeans(3, init=[[0, 0], [1, 1], [2, 2]]).fit(X).n_iter_
4

Stepping
--------

Two steps alternate: *assign* each row to its nearest center, then *update* each center to the mean
of its rows. `iter_fit` does one such iteration at a time:

>>> for state in KMeans(3, init="first").iter_fit(X):
...     print(f"{state.n_iter}  inertia {state.inertia:9.1f}  moved {state.shift:7.3f}")
0  inertia       inf  moved     inf
1  inertia ...

The first line is the start, before any row has a label. Each other one has the inertia of the
assignment and how far the centers moved (the sum of the squares); ``state.n_changed`` rows changed
their cluster. The whole algorithm can be written in plain NumPy:

>>> centers = X[:3]
>>> for iteration in range(100):
...     squares = ((X[:, np.newaxis] - centers) ** 2).sum(axis=2)    # (n, k)
...     labels = squares.argmin(axis=1)
...     moved = np.array([X[labels == j].mean(axis=0) for j in range(3)])
...     if np.allclose(moved, centers):
...         break
...     centers = moved
>>> np.allclose(centers, KMeans(3, init=X[:3], tol=0).fit(X).cluster_centers_)
True

``KMeans(..., verbose=1)`` prints each iteration, ``history=True`` stores them, and
`ckmeans.plot.trace` and `ckmeans.plot.animation` draw how the centers move.

>>> history = KMeans(3, init="first", tol=0, history=True).fit(X).history_[0]
>>> history[0].n_changed, history[-1].n_changed
(600, 0)

Inertia
-------

Both steps lower the *inertia* or leave it unchanged. It is the sum of the squared distances of the
rows to their centers.

>>> inertias = [iteration.inertia for iteration in history]
>>> inertias == sorted(inertias, reverse=True)
True
>>> own = model.cluster_centers_[model.labels_]
>>> bool(np.isclose(model.inertia_, ((X - own) ** 2).sum()))
True
>>> model.counts_.tolist()
[200, 200, 200]

New rows go to the nearest center:

>>> bool(model.predict([[9.0, 0.0]])[0] == model.labels_[200])
True

How many clusters
-----------------

The inertia decreases with every additional cluster, so the lowest inertia does not tell the right
k. The k after which it decreases only slowly is called the *elbow*; silhouettes and other criteria
help, too. `select_k` fits a range of k and tabulates them:

>>> from ckmeans import select_k
>>> found = select_k(X, range(1, 7), criteria=["elbow", "silhouette", "gap"], random_state=0)
>>> print(found)
  k  ...
>>> found.suggested_k
3

``found.plot()`` draws the table; ``found.model`` is the fitted model of the suggested k. On the
command line: ``ckmeans fit points.csv -k 1:6 --report report.html``.

Compared with scikit-learn
--------------------------

The names are the same, and so are the results from the same initial centers. (scikit-learn, too,
numbers clusters in the order of the initial centers.)

>>> from sklearn.cluster import KMeans as Other
>>> start = X[[0, 200, 400]]
>>> ours, theirs = KMeans(3, init=start).fit(X), Other(3, init=start, n_init=1).fit(X)
>>> np.array_equal(ours.labels_, theirs.labels_)
True
>>> np.allclose(ours.cluster_centers_, theirs.cluster_centers_)
True

ckmeans adds: the same bits with any number of threads and on any machine, ``labels_`` that always
equal ``predict(X)``, and speed.

Three warnings
--------------

*k-means finds clusters in any data.* Here it divides pure noise into four parts of similar size.
`select_k` finds no gaps between them, and reports that:

>>> noise = rng.random((600, 2))
>>> bool(KMeans(4, random_state=0).fit(noise).counts_.min() > 100)
True
>>> select_k(noise, range(1, 7), random_state=0).suggestion
'No clear structure: ...'

*The feature with the largest spread decides.* Squared distances sum over all features, so a length
in meters counts a million times as much as one in kilometers. Scale features to a comparable spread
first, unless their units are the same:

>>> wide = np.column_stack([X, 1000 * rng.random(600)])       # a third, meaningless feature
>>> truth = np.repeat([0, 1, 2], 200)
>>> from ckmeans.metrics import adjusted_rand_score
>>> found = KMeans(3, random_state=0).fit(wide).labels_
>>> adjusted_rand_score(truth, found) < 0.05                  # random labels have about 0
True
>>> scaled = (wide - wide.mean(axis=0)) / wide.std(axis=0)
>>> round(adjusted_rand_score(truth, KMeans(3, random_state=0).fit(scaled).labels_), 1)
1.0

*It stops at a local optimum*, which need not be the best. With many clusters a single random start
hardly ever finds the best; restarts and k-means++ help. ``runs_`` has the result of
each run:

>>> middles = [(5 * i, 5 * j) for j in range(4) for i in range(4)]
>>> many = np.concatenate([rng.normal(middle, 0.6, size=(50, 2)) for middle in middles])
>>> once = KMeans(16, init="random", n_init=1, random_state=0).fit(many)
>>> best = KMeans(16, n_init=10, random_state=0).fit(many)
>>> once.inertia_ > 2 * best.inertia_
True
>>> len(best.runs_), min(run.inertia for run in best.runs_) == best.inertia_
(10, True)
"""
