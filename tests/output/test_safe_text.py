"""User text in outputs: it cannot control the program that shows it, and harmless text stays."""

import csv
import html.parser
import io
import json
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ckmeans import KMeans
from ckmeans._estimators.notebook import model_html
from ckmeans._output import safe_text as _safe_text
from ckmeans._output.html import Markup, fill, join, table

TEXT = st.text(st.characters()) | st.text(
    st.sampled_from("=+-@\t\r\n$\\<>&'\"{}\x1b\u202e a1.,;|\x00\x9b")
)
PLAIN = st.text(
    st.characters(categories=["Lu", "Ll", "Nd"], include_characters=" .,;:()%°µ"), max_size=150
)


@given(TEXT)
@example("\x1b]0;title\x07")
@example("a\u202eb\u2066c\u200f")
@example("\x9b31m\ud800")
def test_a_terminal_gets_printable_letters_only(text):
    out = _safe_text.terminal(text)
    assert len(out) == len(text) and out.isprintable()
    assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in out)
    assert "\n" not in _safe_text.message(text) and _safe_text.message(text).isprintable()
    assert len(_safe_text.terminal(text, 20)) <= 20


@given(PLAIN)
def test_plain_text_stays(text):
    assert (
        _safe_text.terminal(text)
        == _safe_text.picture(text)
        == _safe_text.cell(text)
        == _safe_text.html(text)
        == text
    )


@given(TEXT)
@example("=1+1")
@example("\t=1+1")
@example("-1+2")
@example("\N{FULLWIDTH EQUALS SIGN}1")
def test_a_cell_is_no_formula_and_one_line(text):
    out = _safe_text.cell(text)
    bare = out.lstrip()
    try:
        float(bare.replace(",", "."))
    except ValueError:
        assert not bare.startswith(
            ("=", "+", "-", "@", "\t", "\r", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}")
        )
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow(["first", out])
    assert next(csv.reader([file.getvalue()])) == ["first", out]
    assert file.getvalue().count("\n") == 1 and "\r" not in file.getvalue() and "\0" not in out
    file.getvalue().encode()


@pytest.mark.parametrize("number", ["-1", "+2.5", "-1e-5", "-.5", "1,5", "-1,5", "2019"])
def test_numbers_in_cells_stay(number):
    assert _safe_text.cell(number) == number


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, attributes))

    def handle_data(self, text):
        self.text += text


@given(TEXT)
def test_html_is_escaped_wherever_it_is_made(text):
    shown = _safe_text.html(text)
    assert not set("<>\"'\x00\x1b\u202e") & set(shown)
    shown.encode()
    page = Page(fill("<p title='{0}'>{0}{1}</p>", text, join([text, Markup("<br>")])))
    assert [tag for tag, _ in page.tags] == ["p", "br"] and [
        name for name, _ in page.tags[0][1]
    ] == ["title"]
    page = Page(table([text], [[text], [Markup("<b>x</b>")]]))
    assert {tag for tag, _ in page.tags} == {"table", "thead", "tbody", "tr", "th", "td", "b"}


@given(TEXT)
def test_what_a_notebook_shows_of_a_model_with_any_strings(text):
    model = KMeans(2, init=[[0.0], [9.0]]).fit([[0.0], [1.0], [9.0]])
    model.stop_reason_, model.feature_names_in_ = text, np.array([text], dtype=object)
    model.set_params(label_order=text)
    page = Page(model_html(model))
    assert {tag for tag, _ in page.tags} == {
        "div",
        "code",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "small",
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
        lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    )
)
def test_json_is_valid(value):
    def refuse(name):
        raise AssertionError(name)

    text = _safe_text.to_json(value)
    json.loads(text, parse_constant=refuse)
    assert text.isascii()


NAMES = [
    "$",
    "$a$b",
    "a $ b $ c",
    r"\$x",
    r"\frac{",
    "$\\undefined$",
    "{",
    "a_b^c",
    "x\x1b\x00\n\u202ey",
    "<&>",
    "\ud800",
    "%",
    "_nolegend",
]


class Table:
    """Three columns, two of which have odd names."""

    def __init__(self, name):
        self.columns = [name, name + "$", "c"]

    def to_numpy(self):
        return np.random.default_rng(0).normal(size=(20, 3))


def drawing():
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot

    from ckmeans import plot

    return pyplot, plot


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_drawn(name):
    pyplot, plot = drawing()
    model = KMeans(2, random_state=0, n_init=1).fit(Table(name))
    ax = plot.clusters(model, Table(name), features=[0, 1], regions=False)
    shown = ax.xaxis.label._preprocess_math(ax.get_xlabel())
    assert shown == (_safe_text.terminal(name), False)  # unchanged, and not parsed as mathematics
    plot.profiles(model, ax=ax)  # (its names are tick labels)
    ax.figure.savefig(io.BytesIO(), format="svg")
    pyplot.close(ax.figure)


@pytest.mark.parametrize("kind", ["clusters", "pairs", "clusters_3d", "trace"])
def test_every_plot_with_names_draws_any(kind):
    pyplot, plot = drawing()
    model = KMeans(2, random_state=0, n_init=1).fit(Table("$\\undefined$"))
    figure = np.ravel(getattr(plot, kind)(model, Table("$\\undefined$")))[0].figure
    figure.savefig(io.BytesIO(), format="svg")
    pyplot.close(figure)


def test_a_report_on_odd_names():
    drawing()
    from ckmeans.report import report

    name = "$\\undefined$<&>\x1b\ud800"
    model = KMeans(2, random_state=0, n_init=1).fit(Table(name))
    model.stop_reason_ = name
    model.runs_ = (model.runs_[0]._replace(seed=name, stop_reason=name),)
    page = report(
        model, Table(name), title=name, source=name, notes=[name], command=["ckmeans", "fit", name]
    )
    page.encode()
    assert "\x1b" not in page and "<&>" not in page and page.count("&lt;&amp;&gt;") >= 8
