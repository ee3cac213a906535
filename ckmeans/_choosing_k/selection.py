"""What `select_k` returns."""

import math

from .._output.numbers import number
from .criteria import CRITERIA, HEADS


class KSelection:
    """What `select_k` found.

    Attributes
    ----------
    k_range : ndarray of int
    table : dict of str to ndarray
        Columns ``k``, ``inertia`` and one per criterion (and ``gap_se``); NaN where a criterion has
        no value, as at k = 1. Some are infinite if every cluster is one distinct row, so that the
        inertia is 0.
    best_k : dict of str to (int or None)
        What each criterion favors.
    suggested_k : int or None
        None when there is no clear structure. 1 when all rows are equal.
    suggestion : str
        The reason, in one sentence.
    models : dict of int to KMeans
        The fitted model of each k up to the number of distinct rows.
    model : KMeans or None
        The model of `suggested_k`.
    sample_size : int
        Rows used for silhouette, gap, stability and the test for well separated clusters.
    notes : tuple of str
        Sentences: which k were not judged, and why criteria have no values ("-" in the printed
        table).
    scale : None, "standard" or "robust"
        How the columns were scaled.
    """

    def __init__(
        self, table, best_k, suggested_k, suggestion, models, sample_size, notes=(), scale=None
    ):
        self.table, self.best_k, self.suggested_k, self.suggestion = (
            table,
            best_k,
            suggested_k,
            suggestion,
        )
        self.models, self.sample_size, self.notes = models, sample_size, tuple(notes)
        self.scale = scale

    @property
    def k_range(self):
        return self.table["k"]

    @property
    def model(self):
        return self.models.get(self.suggested_k)

    def title(self, name):
        """What a column of the table is called in plots and reports."""
        return CRITERIA[name].title if name in CRITERIA else name

    def to_pandas(self):
        """The table as a pandas DataFrame, indexed by k."""
        from .._input.optional_packages import need

        return need("pandas", "to_pandas").DataFrame(self.table).set_index("k")

    def plot(self, *names, axes=None):
        """Inertia and criteria against k; see `ckmeans.plot.selection`."""
        from ..plot import selection

        return selection(self, *names, axes=axes)

    def lines(self, width=None):
        """The table as lines of text, with a star at the k that each criterion favors; columns
        beyond `width` follow below.
        """
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows)]
        blocks: list[list[int]] = [[]]
        room = widths[0]
        for j in range(1, len(widths)):
            room += 2 + widths[j]
            if width is not None and room > width and blocks[-1]:
                blocks.append([])
                room = widths[0] + 2 + widths[j]
            blocks[-1].append(j)
        lines: list[str] = []
        for block in blocks:
            lines += [""] * bool(lines) + [
                "  ".join([row[0], *(f"{row[j]:>{widths[j]}}" for j in block)]).rstrip()
                for row in rows
            ]
        return lines

    def _rows(self):
        """The cells of the table, beginning with the head."""
        rows = [[HEADS.get(name, name) for name in self.table]]
        for i, k in enumerate(self.k_range.tolist()):
            row = [f"{k:>3}"]
            for name, column in list(self.table.items())[1:]:
                value = float(column[i])
                text = (
                    "-"
                    if math.isnan(value)
                    else f"{value:.3f}"
                    if abs(value) < 100
                    else number(value, 5)
                )
                row.append(text + ("*" if self.best_k.get(name) == k else " "))
            rows.append(row)
        rows[0][0] = "  k"
        rows[0][1:] = [name + " " for name in rows[0][1:]]
        return rows

    def __repr__(self):
        return (
            f"<KSelection of k = {self.k_range[0]} to {self.k_range[-1]}: suggested "
            f"{self.suggested_k}>"
        )

    def __str__(self):
        return "\n".join([*self.lines(), "", *self.notes, self.suggestion])

    def html_table(self):
        """The table as HTML, with the suggested k in bold."""
        from .._output.html import table

        head, *rows = self._rows()
        return table(
            head, rows, strong=[i for i, k in enumerate(self.k_range) if k == self.suggested_k]
        )

    def _repr_html_(self):
        from .._output.html import Markup, fill

        said = (fill("<p>{}</p>", text) for text in (*self.notes, self.suggestion))
        return fill("{}{}", self.html_table(), Markup("".join(said)))
