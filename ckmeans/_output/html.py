"""Pieces of HTML, for notebooks and reports.

All HTML is made here: what is put into it is escaped unless it is `Markup`.
"""

from collections.abc import Container, Iterable, Sequence

from .safe_text import html

__all__ = ["Markup", "fill", "join", "table"]


class Markup(str):
    """Text that is HTML already."""

    def __add__(self, other: str) -> "Markup":
        return Markup(str(self) + escape(other))


def escape(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(html(value))


def fill(template: str, *values: object, **named: object) -> Markup:
    """HTML from a template with the places of `str.format`, into which values go escaped."""
    return Markup(
        template.format(
            *map(escape, values), **{name: escape(value) for name, value in named.items()}
        )
    )


def join(parts: Iterable[object], between: str = "") -> Markup:
    """Pieces one after the other."""
    return Markup(between.join(map(escape, parts)))


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    strong: Container[int] = (),
    left: Container[int] = (),
) -> Markup:
    """A table with right-aligned cells, but for the columns numbered in `left`; the rows numbered
    in `strong` stand out.
    """
    style = "padding:2px 8px;font-variant-numeric:tabular-nums;text-align:"

    def line(cells, tag, extra=""):
        return fill(
            "<tr>{}</tr>",
            join(
                fill(
                    '<{0} style="{1}">{2}</{0}>',
                    Markup(tag),
                    Markup(style + ("left" if j in left else "right") + extra),
                    one if isinstance(one, Markup) else str(one).strip(),
                )
                for j, one in enumerate(cells)
            ),
        )

    body = join(
        line(row, "td", ";font-weight:bold;background:rgba(0,114,178,.15)" if i in strong else "")
        for i, row in enumerate(rows)
    )
    return fill(
        '<table style="border-collapse:collapse"><thead>{}</thead><tbody>{}</tbody></table>',
        line(head, "th"),
        body,
    )
