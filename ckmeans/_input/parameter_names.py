"""Unknown names of parameters, and the names that were probably meant."""

import functools

#: What other libraries and tutorials call the same parameter, this package's names first: those of
#: its estimators, then those of its command line.
SYNONYMS = (
    (
        *("n_clusters", "k", "clusters", "n_cluster", "num_clusters", "nclusters", "n_centers"),
        *("num_centers", "centers", "n_centroids", "n_components", "n_colors", "colors"),
    ),
    ("max_iter", "max_iters", "maxiter", "max_iterations", "n_iter", "niter", "iterations", "iter"),
    ("n_init", "n_runs", "n_inits", "num_init", "n_restarts", "restarts", "nstart", "nredo"),
    ("random_state", "seed", "rng", "random_seed", "generator"),
    ("tol", "tolerance", "eps", "epsilon", "threshold"),
    ("n_threads", "threads", "n_jobs", "num_threads", "nthread", "workers"),
    ("metric", "distance", "dist", "affinity"),
    ("init", "initialization", "init_method", "start", "starts"),
    ("sample_weight", "sample_weights", "weights", "weight"),
    ("max_time", "timeout", "time_limit"),
)

#: What asks for rules that clusters keep: parameters of these alone.
OF_RULES = ("size_min", "size_max", "n_outliers", "labels_known", "known", "missing")
WITH_RULES = "KMeans with fit, and k_means"


def suggestion(name, valid):
    """The name among `valid` that `name` probably stands for, or None.

    Upper and lower case are the same.
    """
    import difflib

    valid, lower = list(valid), name.lower()
    for other in valid:
        if other.lower() == lower:
            return other
    for group in SYNONYMS:
        if lower in group:
            for other in group:
                if other in valid:
                    return other
    return next(iter(difflib.get_close_matches(lower, valid, n=1, cutoff=0.7)), None)


def names_parameters(function):
    """A decorator: a keyword argument that does not exist is a TypeError that names the one meant.

    Python's own message does so from 3.13 on, for names that are spelled alike.
    """
    code = function.__code__  # importing inspect would take longer than all else here
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    all_valid = frozenset(names).issuperset

    @functools.wraps(function)
    def checked(*args, **options):
        if not all_valid(options):
            raise _unknown_name(function, names, next(n for n in options if n not in names))
        return function(*args, **options)

    return checked


def defaults_of(function):
    """The defaults of a function's parameters, by name; of those that have one."""
    function = getattr(function, "__wrapped__", function)
    code, positional = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(positional) : code.co_argcount]
    return {**dict(zip(names, positional)), **(function.__kwdefaults__ or {})}


def _unknown_name(function, valid, name):
    """The error for a keyword argument that the function does not have."""
    message = f"{function.__qualname__}() got an unexpected keyword argument {name!r}"
    if name in OF_RULES:
        return TypeError(f"{message}, which goes with {WITH_RULES}.")
    meant = suggestion(name, [each for each in valid if each != "self"])
    return TypeError(message + (f". Did you mean {meant!r}?" if meant else ""))
