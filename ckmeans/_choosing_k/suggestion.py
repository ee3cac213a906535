"""The suggested k, and the sentence that says why."""

from .criteria import CRITERIA
from .separation import SEPARATED, separation


def candidate(path, best_k):
    """The k that most criteria favor among those whose clusters are well separated, and True.

    If there is none of these, the k that most criteria favor, and False; None, if no criterion
    favors more than one cluster.
    """
    votes = {k: names for k, names in votes_of(best_k).items() if k != 1}
    # Among equally favored ones: that of the silhouette, else that of the first criterion.
    order = list(best_k)
    ranked = sorted(
        votes,
        key=lambda k: (-len(votes[k]), "silhouette" not in votes[k], order.index(votes[k][0])),
    )
    for k in ranked:
        if separation(path, path.ks.index(k))[0]:
            return k, True
    return (ranked[0], False) if ranked else (None, False)


def votes_of(best_k):
    """The names of the criteria that favor a k, for each k that any favors."""
    return {
        k: [name for name, best in best_k.items() if best == k] for k in {*best_k.values()} - {None}
    }


def suggest(path, best_k):
    """The suggested k, None if there is no clear structure; and the reason in one sentence."""
    if path.n_distinct == 1:
        if path.ks[0] == 1:
            return 1, f"k = 1: all {path.n_rows} rows are equal."
        return None, (
            f"No clusters: all {path.n_rows} rows are equal. That is one cluster, and k_range "
            f"begins at {path.ks[0]}."
        )
    if not path.models:
        return None, (
            f"No k can be judged: there are {path.n_distinct} distinct rows, and k_range begins at "
            f"{path.ks[0]}."
        )
    k, separated = candidate(path, best_k)
    if k is None:
        return None, "No clear structure: no criterion favors more than one cluster."
    words = separation(path, path.ks.index(k))[1]
    if not separated:
        return None, (
            f"No clear structure: even the clusters of k = {k} are not well separated ({words}; "
            f"{SEPARATED} or less is asked for)."
        )
    votes = votes_of(best_k)
    titles = " and ".join(", ".join(CRITERIA[name].title for name in votes[k]).rsplit(", ", 1))
    others = sorted(votes.keys() - {k})
    against = f"; others say {', '.join(map(str, others))}" if others else ""
    return k, (
        f"k = {k}: {len(votes[k])} of {len(best_k)} criteria favor it ({titles}{against}), and its "
        f"clusters are well separated ({words})."
    )
