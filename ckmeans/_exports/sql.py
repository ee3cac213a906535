"""Export of models as one SQL statement that labels the rows of a table."""

from typing import Any, NamedTuple

from .._input import checks as check
from . import centers_of, divisors_of, nearest_center_model


class Dialect(NamedTuple):
    """What differs between databases."""

    quote: str  # around names
    double: str  # the type of float64
    least: str | None  # the function that gives the smallest of its arguments; None: there is none


#: One row per dialect.
DIALECTS = {
    "standard": Dialect('"', "DOUBLE PRECISION", None),
    "sqlite": Dialect('"', "REAL", "MIN"),
    "duckdb": Dialect('"', "DOUBLE", "LEAST"),
    "postgresql": Dialect('"', "DOUBLE PRECISION", "LEAST"),
    "mysql": Dialect("`", "DOUBLE", "LEAST"),
    "bigquery": Dialect("`", "FLOAT64", "LEAST"),
    "snowflake": Dialect('"', "DOUBLE", "LEAST"),
    "spark": Dialect("`", "DOUBLE", "LEAST"),
}

#: Limits of the databases above: the columns of a result, and the depth of an expression.
MOST_CLUSTERS, MOST_FEATURES = 1000, 900


def to_sql(
    model: Any,
    table: Any,
    *,
    dialect: str = "standard",
    columns: Any = None,
    label: str = "cluster",
) -> str:
    """A SELECT statement that gives the rows of a table with the label of their cluster.

    Parameters
    ----------
    model : KMeans or MiniBatchKMeans
        Fitted.
    table : str or sequence of str
        Name of the table; a sequence for a qualified one, as in ``("schema", "table")``. Names are
        quoted, so that they may hold any character but NUL.
    dialect : {"standard", "sqlite", "duckdb", "postgresql", "mysql", "bigquery", "snowflake", \
"spark"}, default="standard"
        "standard" runs in most databases, but grows with the square of the number of clusters.
    columns : sequence of str or None, default=None
        The column that holds each feature; None takes the feature names that the model was fitted
        with.
    label : str, default="cluster"
        Name of the column that the statement adds, after all columns of the table.

    Returns
    -------
    sql : str

    Raises
    ------
    ValueError
        An unknown dialect, no column names, or not one for each feature.

    Notes
    -----
    Distances are sums of squared differences, feature after feature, in the database's
    double-precision numbers. This is the arithmetic that decides labels in `predict`, so labels
    equal those of `predict`, ties included, if the database evaluates expressions as they are
    written and stores the same numbers. With ``metric="cosine"`` rows are compared by their
    products with the unit centers, and rows that are equally near to two centers up to rounding may
    get another label. If a feature is NULL, the label is NULL.

    Examples
    --------
    >>> from ckmeans import from_json
    >>> model = from_json('{"centers": [[0.5], [5.0]], "feature_names": ["x"]}')
    >>> print(model.to_sql("points"))
    SELECT t.*,
      (SELECT CASE
        WHEN d0 IS NULL THEN NULL
        WHEN d0 <= d1 THEN 0
        ELSE 1
      END FROM (SELECT
        (CAST(t."x" AS DOUBLE PRECISION) - 0.5e0) * (CAST(t."x" AS DOUBLE PRECISION) - 0.5e0) AS d0,
        (CAST(t."x" AS DOUBLE PRECISION) - 5.0e0) * (CAST(t."x" AS DOUBLE PRECISION) - 5.0e0) AS d1
      ) AS d) AS "cluster"
    FROM "points" AS t
    """
    nearest_center_model(model, "SQL")
    check.check_name(dialect, tuple(DIALECTS), "dialect")
    names = _columns(model, columns)
    how = DIALECTS[dialect]
    k, d = centers_of(model).shape
    if k > MOST_CLUSTERS or d > MOST_FEATURES:
        raise ValueError(
            f"the model has {k} clusters of {d} features, but databases take statements of at most "
            f"{MOST_CLUSTERS} clusters and {MOST_FEATURES} features: label the rows with predict"
        )
    parts = [table] if isinstance(table, str) else list(table)
    source = ".".join(quoted(part, how) for part in parts)
    values = [f"CAST(t.{quoted(name, how)} AS {how.double})" for name in names]
    divisors = divisors_of(model)
    if divisors is not None:
        values = [f"({value} / {literal(by)})" for value, by in zip(values, divisors)]
    centers = centers_of(model)
    if model.metric == "cosine":
        distances = [" + ".join(map(_product, values, center)) for center in centers]
        distances = [f"-({distance})" for distance in distances]
    else:
        distances = [" + ".join(map(_square, values, center)) for center in centers]
    listed = ",\n".join(f"    {distance} AS d{j}" for j, distance in enumerate(distances))
    return (
        f"SELECT t.*,\n  (SELECT CASE\n{_cases(k, how)}\n  END FROM (SELECT\n{listed}\n  ) AS d) "
        f"AS {quoted(label, how)}\nFROM {source} AS t"
    )


def _cases(k, how):
    """The branches that choose the lowest index among the smallest of d0, ..., d(k-1)."""
    lines = ["    WHEN d0 IS NULL THEN NULL"]
    least = None if how.least is None else _least([f"d{j}" for j in range(k)], how.least)
    for j in range(k - 1):
        if least is None:
            wins = " AND ".join(f"d{j} <= d{other}" for other in range(j + 1, k))
        else:
            wins = f"d{j} = {least}"
        lines.append(f"    WHEN {wins} THEN {j}")
    return "\n".join([*lines, f"    ELSE {k - 1}"])


def _least(names, function, most=100):
    """The smallest of these, by a function that takes at most so many arguments at a time."""
    while len(names) > 1:
        names = [
            f"{function}({', '.join(names[i : i + most])})"
            if len(names[i : i + most]) > 1
            else names[i]
            for i in range(0, len(names), most)
        ]
    return names[0]


def literal(value: float) -> str:
    """A float64 as a literal of double precision, which reads back as the same bits."""
    text = repr(float(value))
    return text if "e" in text else text + "e0"


def _square(column, value):
    difference = (
        f"({column} - {literal(value)})" if value >= 0 else (f"({column} + {literal(-value)})")
    )
    return f"{difference} * {difference}"


def _product(column, value):
    return f"{column} * {literal(value)}" if value >= 0 else f"{column} * ({literal(value)})"


def _columns(model, columns):
    """The columns that hold the features."""
    d = centers_of(model).shape[1]
    if columns is None:
        columns = getattr(model, "feature_names_in_", None)
        if columns is None:
            raise ValueError(
                f"the model has no feature names: pass columns=, the names of its {d} columns"
            )
    columns = [columns] if isinstance(columns, str) else [str(column) for column in columns]
    if len(columns) != d:
        raise ValueError(f"columns has {len(columns)} names, but the model has {d} features")
    return columns


def quoted(name, how):
    """A name as the dialect quotes it."""
    if not isinstance(name, str) or not name or "\0" in name:
        raise ValueError(f"{name!r} cannot be the name of a table or column")
    return how.quote + name.replace(how.quote, 2 * how.quote) + how.quote
