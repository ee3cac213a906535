"""Small pieces of HTML: for notebooks and reports."""
from html import escape

__all__ = ["Markup", "escape", "table"]


def table(head, rows, *, strong=()):
    """A table with right-aligned cells; the rows numbered in `strong` stand out.

    A cell is text, which is escaped, or a `Markup`, which is not.
    """
    style = "text-align:right;padding:2px 8px;font-variant-numeric:tabular-nums"
    line = lambda cells, tag, extra="": "<tr>" + "".join(f'<{tag} style="{style}{extra}">{_cell(c)}</{tag}>' for c in cells) + "</tr>"
    body = "".join(line(row, "td", ";font-weight:bold;background:rgba(0,114,178,.15)" if i in strong else "")
                   for i, row in enumerate(rows))
    return f'<table style="border-collapse:collapse"><thead>{line(head, "th")}</thead><tbody>{body}</tbody></table>'


class Markup(str):
    """Text that is HTML already."""


def _cell(text):
    return text if isinstance(text, Markup) else escape(str(text).strip())
