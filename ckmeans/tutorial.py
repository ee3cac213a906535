"""k-means step by step: what a from-scratch tutorial shows, done with ckmeans.

Every line below is run by a test. ``help("ckmeans.tutorial")`` shows it.

The data
--------

Three clouds of points, as tutorials make them. Any table of numbers will do: an array, a pandas or
polars DataFrame, a list of lists.

>>> import numpy as np
>>> from ckmeans import KMeans
>>> rng = np.random.default_rng(7)
>>> X = np.concatenate([rng.normal(center, 1.5, size=(200, 2)) for center in ([0, 0], [9, 1], [4, 8])])

Starting
--------

k-means needs k centers to start from. Textbooks take k random rows, or simply the first k:

>>> model = KMeans(n_clusters=3, init="random", n_init=1, tol=0, random_state=0).fit(X)
>>> first = KMeans(n_clusters=3, init="first", tol=0).fit(X)

(``tol=0`` goes on until no row changes its cluster.) The first rows all lie in the first cloud
here, and from there k-means does not find its way: it stops where two clouds share one center.

>>> model.counts_.tolist(), sorted(first.counts_.tolist())[-1] > 350
([200, 200, 200], True)
>>> first.inertia_ > 3 * model.inertia_
True

k-means++, the default for two features or more, draws rows that are far from each other:

>>> from ckmeans import kmeans_plusplus
>>> centers, rows = kmeans_plusplus(X, 3, random_state=0)
>>> sorted((rows // 200).tolist())                       # one row from each cloud
[0, 1, 2]

Your own centers are a start, too; so are ``init="random-partition"`` and any function that returns
centers.

>>> KMeans(3, init=[[0, 0], [1, 1], [2, 2]]).fit(X).n_iter_
4

Stepping
--------

Two steps take turns: *assign* each row to its nearest center, *update* each center to the mean of
its rows. `iter_fit` does one such turn at a time:

>>> for state in KMeans(3, init="first").iter_fit(X):
...     print(f"{state.n_iter}  inertia {state.inertia:9.1f}  moved {state.shift:7.3f}  labels changed {state.n_changed}")
1  inertia ...

Each line has the inertia of the assignment, how far the centers moved (squared), and how many rows
changed their cluster. It can be written out with nothing but NumPy; this is all there is to it:

>>> centers = X[:3]
>>> for turn in range(100):
...     squares = ((X[:, np.newaxis] - centers) ** 2).sum(axis=2)          # (n, k): fine for a tutorial, not for a million rows
...     labels = squares.argmin(axis=1)
...     moved = np.array([X[labels == j].mean(axis=0) for j in range(3)])
...     if np.allclose(moved, centers):
...         break
...     centers = moved
>>> np.allclose(centers, KMeans(3, init=X[:3], tol=0).fit(X).cluster_centers_)
True

``KMeans(..., verbose=1)`` prints as it goes, ``history=True`` keeps the figures, and
`ckmeans.plot.trace` and `ckmeans.plot.animation` draw the way of the centers.

>>> history = KMeans(3, init="first", tol=0, history=True).fit(X).history_[0]
>>> history[0].n_changed, history[-1].n_changed
(600, 0)

Inertia
-------

What the two steps lower, and never raise, is the *inertia*: the sum of the squared distances of the
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

The inertia falls with every cluster more, so the lowest is no guide. Where it stops to fall steeply
is the *elbow*; silhouettes and other measures help. `select_k` fits a range of k and lays them side
by side:

>>> from ckmeans import select_k
>>> found = select_k(X, range(1, 7), criteria=["elbow", "silhouette", "gap"], random_state=0)
>>> print(found)
  k  ...
>>> found.suggested_k
3

``found.plot()`` draws it all; ``found.model`` is the fitted model of the suggested k. On the
command line: ``ckmeans fit points.csv -k 1:6 --report report.html``.

Beside scikit-learn
-------------------

The names are the same, and so are the results, from the same start. (scikit-learn numbers clusters
as they come, too.)

>>> from sklearn.cluster import KMeans as Other
>>> start = X[[0, 200, 400]]
>>> ours, theirs = KMeans(3, init=start).fit(X), Other(3, init=start, n_init=1).fit(X)
>>> np.array_equal(ours.labels_, theirs.labels_), np.allclose(ours.cluster_centers_, theirs.cluster_centers_)
(True, True)

What ckmeans adds: the same bits on any number of threads and any machine, ``labels_`` that always
equal ``predict(X)``, and more speed.

Three warnings
--------------

*k-means finds clusters in anything.* Here is pure noise, divided evenly in four. `select_k` finds
no gaps between them, and says so:

>>> noise = rng.random((600, 2))
>>> bool(KMeans(4, random_state=0).fit(noise).counts_.min() > 100)
True
>>> select_k(noise, range(1, 7), random_state=0).suggestion
'No clear structure: ...'

*The widest feature decides.* Distances add up all features, so one in metres counts a million times
as much as one in kilometres. Scale features to a comparable spread first, unless their units are
the same:

>>> wide = np.column_stack([X[:, 0], X[:, 1], 1000 * rng.random(600)])             # a third, meaningless feature
>>> truth = np.repeat([0, 1, 2], 200)
>>> from ckmeans.metrics import adjusted_rand_score
>>> adjusted_rand_score(truth, KMeans(3, random_state=0).fit(wide).labels_) < 0.05        # 0 is what chance gives
True
>>> scaled = (wide - wide.mean(axis=0)) / wide.std(axis=0)
>>> round(adjusted_rand_score(truth, KMeans(3, random_state=0).fit(scaled).labels_), 1)
1.0

*It stops at the first optimum that it meets*, which need not be the best. With many clusters a
single random start hardly ever finds it; restarts (10 by default) and k-means++ make up for that.
``runs_`` tells how each one fared:

>>> many = np.concatenate([rng.normal((5 * (j % 4), 5 * (j // 4)), 0.6, size=(50, 2)) for j in range(16)])
>>> once = KMeans(16, init="random", n_init=1, random_state=0).fit(many)
>>> best = KMeans(16, random_state=0).fit(many)
>>> once.inertia_ > 2 * best.inertia_
True
>>> len(best.runs_), min(run.inertia for run in best.runs_) == best.inertia_
(10, True)
"""
