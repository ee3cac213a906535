"""The command line's choice of k, pictures and pages; a page opened in a real browser."""

import contextlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from checks import PATIENCE, subprocess_environment
from command_line import csv_file, fails

import ckmeans
from ckmeans import KMeans, select_k
from ckmeans.report import report

pytest.importorskip("matplotlib").use("agg")
Image = pytest.importorskip("PIL.Image")


def blobs(k=4, n=60):
    rng = np.random.default_rng(0)
    return np.concatenate(
        [rng.normal(size=(n, 2)) + [10 * (j % 2), 10 * (j // 2)] for j in range(k)]
    )


@pytest.fixture
def data():
    return csv_file("data.csv", ["width", "height"], blobs().tolist())


# ---------------------------------------------------------------------------------------------- cho


def test_a_range_of_k_prints_the_table_and_the_suggestion(run, data):
    out = run("fit", data, "-k", "2:7")
    lines = out.splitlines()
    assert lines[0] == "data.csv: 240 rows, 2 columns" and max(map(len, lines)) <= 100
    assert lines[2].split()[:4] == ["k", "inertia", "elbow", "silhouette"] and [
        line.split()[0] for line in lines[3:9]
    ] == list("234567")
    assert "k = 4: " in out and re.search(
        r"^cluster +size +share +width +height$", out, re.MULTILINE
    )
    assert run.errors == ""


def test_everything_is_in_the_json_and_the_files(run, data):
    facts = json.loads(
        run(
            "fit", data, "-k", "1:6", "--json", "--model", "m.npz", "--labels", "l.npy", "--seed", 3
        )
    )
    found = select_k(blobs(), range(1, 7), random_state=3)
    assert (
        facts["selection"]["suggested_k"] == 4 == found.suggested_k
        and facts["selection"]["best_k"] == found.best_k
    )
    assert facts["selection"]["suggestion"] == found.suggestion and facts["settings"][
        "clusters"
    ] == [1, 6]
    assert facts["selection"]["table"]["inertia"] == found.table["inertia"].tolist()
    assert facts["selection"]["table"]["silhouette"][0] is None
    assert len(facts["clusters"]) == 4 and facts["inertia"] == found.model.inertia_
    assert np.array_equal(np.load("l.npy"), found.model.labels_)
    assert np.array_equal(ckmeans.load("m.npz").cluster_centers_, found.model.cluster_centers_)


@pytest.mark.parametrize("seed", [0, 5, 9])
def test_the_chosen_k_is_as_good_as_when_it_is_given(run, seed):
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0, 40, size=(12, 2))
    np.save("x.npy", centers[np.arange(360) % 12] + 0.5 * rng.normal(size=(360, 2)))
    chosen = json.loads(run("fit", "x.npy", "-k", "11:12", "--json", "--seed", seed))
    alone = json.loads(run("fit", "x.npy", "-k", 12, "--json", "--seed", seed))
    assert chosen["selection"]["suggested_k"] == 12 and chosen["inertia"] <= alone["inertia"]


def test_equal_rows(run):
    def constant(name):
        raise AssertionError(f"{name} is not JSON")

    np.save("three.npy", np.repeat([[0.0, 0.0], [5.0, 1.0], [1.0, 7.0]], 25, axis=0))
    facts = json.loads(
        run("fit", "three.npy", "-k", "1:6", "--json", "--plot", "p.png", "--report", "r.html"),
        parse_constant=constant,
    )
    assert (
        facts["selection"]["suggested_k"] == 3
        and facts["inertia"] == 0.0
        and facts["warnings"] == []
    )
    assert (
        facts["selection"]["table"]["calinski_harabasz"][2] is None
        and facts["selection"]["best_k"]["calinski_harabasz"] == 3
    )
    note = "Not judged: k = 4 to 6, for there are 3 distinct rows."
    assert note in facts["selection"]["notes"] and note in open("r.html", encoding="utf-8").read()
    assert note in run("fit", "three.npy", "-k", "1:6")
    np.save("one.npy", np.ones((40, 2)))
    assert "k = 1: all 40 rows are equal." in run("fit", "one.npy", "-k", "1:3", "--model", "m.npz")
    assert len(ckmeans.load("m.npz").cluster_centers_) == 1
    assert "No clusters: all 40 rows are equal." in run("fit", "one.npy", "-k", "2:4")


def test_no_structure_is_said_and_nothing_pretended(run):
    np.save("u.npy", np.random.default_rng(0).random((300, 2)))
    out = run("fit", "u.npy", "-k", "1:5", "--plot", "u.png", "--report", "u.html")
    assert "No clear structure" in out and "cluster " not in out.split("No clear structure")[
        1
    ].replace("clusters", "")
    assert (
        os.path.getsize("u.png")
        and "<h2>Clusters</h2>" not in open("u.html", encoding="utf-8").read()
    )
    message = fails(run, "fit", "u.npy", "-k", "1:5", "--labels", "l.csv")
    assert message.endswith("To fit it anyway, give one K") and not os.path.exists("l.csv")
    facts = json.loads(run("fit", "u.npy", "-k", "1:5", "--json"))
    assert facts["selection"]["suggested_k"] is None and "clusters" not in facts


@pytest.mark.parametrize(
    "argv, message",
    [
        (["-k", "5:2"], "'5:2' is not a range of numbers of clusters, such as 2:12"),
        (["-k", "2:x"], "'x' is not a whole number of at least 1"),
        (["-k", "2:999"], "999 clusters need as many rows at least; there are 240"),
        (["-k", "2:4", "--init", "first"], "leave --init out"),
        (["-k", "3", "--plot", "p.jpeg"], "cannot draw p.jpeg: pictures are .png, .svg, .pdf"),
        (["-k", "3", "--report", "r.txt"], "cannot write r.txt: reports are .html"),
        (
            ["-k", "3", "--plot", "-"],
            "a picture does not go to standard output: give --plot the name of a file",
        ),
        (["-k", "3", "--plot", "no/p.png"], "there is no directory"),
    ],
)
def test_errors(run, data, argv, message):
    assert message in fails(run, "fit", data, *argv)


def test_without_matplotlib_the_error_is_one_line(run, data, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert fails(run, "fit", data, "-k", 3, "--plot", "p.png").endswith(
        "needs matplotlib: pip install 'ckmeans-cython[plot]'"
    )
    run("fit", data, "-k", "2:5")  # all numbers work without it


# ------------------------------------------------------------------------------------------------ p


@pytest.mark.parametrize("k", [3, "2:5"])
def test_fit_draws(run, data, k):
    out = run("fit", data, "-k", k, "--plot", "p.png")
    assert re.search(r"^wrote +p.png \(picture\)$", out, re.MULTILINE)
    with Image.open("p.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert pixels.shape[0] > 400 and pixels.shape[1] > 800
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100


@pytest.mark.parametrize(
    "kind",
    ["overview", "clusters", "projection", "pairs", "silhouette", "sizes", "profiles", "distances"],
)
@pytest.mark.parametrize("header", [["width", "height"], None])
def test_plot(run, kind, header):
    csv_file("d.csv", header, blobs().tolist())
    given = "--header" if header else "--no-header"
    run("fit", "d.csv", "-k", 4, "--model", "m.npz", given)
    out = run("plot", "m.npz", "d.csv", "-o", "out.svg", "--kind", kind, given)
    assert re.search(r"^wrote +out.svg \(picture\)$", out, re.MULTILINE) and run.errors == ""
    assert open("out.svg", encoding="utf-8").read().rstrip().endswith("</svg>")


def test_plot_finds_the_columns_of_the_model(run, data):
    run("fit", data, "-k", 4, "--columns", "height", "--model", "m.npz")
    out = json.loads(run("plot", "m.npz", data, "-o", "out.png", "--json"))
    assert out["data"]["columns"] == ["height"] and out["kind"] == "overview"
    assert "invalid choice: 'pie'" in fails(
        run, "plot", "m.npz", data, "-o", "x.png", "--kind", "pie"
    )


def test_quantize(run):
    pixels = np.random.default_rng(0).integers(256, size=(40, 50, 3)).astype(np.uint8)
    Image.fromarray(pixels).save("in.png")
    out = run("quantize", "in.png", "-k", 5, "-o", "out.png")
    with Image.open("out.png") as picture:
        assert picture.mode == "P"
        result = np.asarray(picture.convert("RGB"))
    colours = {"#" + bytes(colour).hex() for colour in np.unique(result.reshape(-1, 3), axis=0)}
    assert (
        out.startswith("in.png: 50 x 40 pixels, 5 colors\n")
        and set(re.findall("#[0-9a-f]{6}", out)) == colours
    )
    assert result.shape == pixels.shape
    Image.fromarray(pixels[..., 0]).save("grey.png")
    facts = json.loads(run("quantize", "grey.png", "-k", 3, "-o", "out.bmp", "--json"))
    assert facts["colours"] == 3 and facts["written"] == {"output": "out.bmp"}
    assert "Pillow knows no such format" in fails(run, "quantize", "in.png", "-o", "out.xyz")
    open("text.png", "w").write("no picture")
    assert "not a picture that Pillow can read" in fails(run, "quantize", "text.png", "-o", "o.png")
    assert "would be overwritten" in fails(run, "quantize", "in.png", "-o", "in.png")
    assert "in.jpg: No such file" in fails(run, "quantize", "in.jpg", "-o", "o.png")


# -------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collects what a page loads, its text, and whether its elements close."""

    void = {"meta", "link", "img", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.sources, self.words = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag not in self.void:
            self.open.append(tag)
        self.sources += [
            value
            for name, value in attributes
            if name in ("src", "href", "srcset", "data", "action")
        ]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)


@pytest.mark.parametrize("k", ["3", "2:6"])
def test_a_report_is_whole_and_loads_nothing(run, data, k):
    argv = ["fit", data, "-k", k, "--report", "r.html", "--model", "m.npz"]
    run(*argv)
    text = open("r.html", encoding="utf-8").read()
    page, model = Page(text), ckmeans.load("m.npz")
    assert page.sources and all(source.startswith("data:") for source in page.sources)
    assert "url(" not in text and "@import" not in text and "<script" not in text
    words = " ".join(page.words)
    assert f"ckmeans {' '.join(argv)}" in words and "240 rows, 2 columns" in words
    for heading in (
        "Summary",
        "Data",
        "Clusters",
        "Profiles",
        "Spreads",
        "Typical rows",
        "As a decision tree",
        "To repeat this",
        "Glossary",
        *(["Choice of k"] if ":" in k else []),
    ):
        assert heading in page.words
    for count, center in zip(model.counts_, model.cluster_centers_):
        assert str(count) in page.words and f"{center[0]:.5g}" in page.words
    assert f"inertia {model.inertia_:.8g}" in words
    if ":" not in k:
        best = min(model.runs_, key=lambda run: run.inertia)
        assert f"random_state={best.seed}" in words
        again = KMeans(3, n_init=1, random_state=best.seed).fit(blobs())
        assert again.inertia_ == model.inertia_


def test_a_report_warns_of_scales_and_escapes_names():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(blobs() * [1, 1000], columns=["<script>alert(1)</script>", "y"])
    page = report(KMeans(3, n_init=1, random_state=0).fit(X), X, title="<b>", notes=["a & b"])
    assert "<script" not in page and "<b>" not in page and "a &amp; b" in page
    assert "scale them" in page
    with pytest.raises(ValueError, match="nothing to report on"):
        report(None, X)


BROWSER = """
import json, sys
from PyQt6.QtCore import QTimer, QUrl
from PyQt6.QtWebEngineCore import QWebEnginePage, QWebEngineUrlRequestInterceptor
from PyQt6.QtWebEngineWidgets import QWebEngineView
from PyQt6.QtWidgets import QApplication

application, asked, said = QApplication(sys.argv[:1]), [], []

class Interceptor(QWebEngineUrlRequestInterceptor):
    def interceptRequest(self, info):
        asked.append(info.requestUrl().scheme())

class WatchedPage(QWebEnginePage):
    def javaScriptConsoleMessage(self, level, message, line, source):
        said.append(message)

view, interceptor = QWebEngineView(), Interceptor()
view.setPage(WatchedPage(view))
view.page().profile().setUrlRequestInterceptor(interceptor)
view.resize(1000, 800)
look = '''JSON.stringify({
    title: document.title,
    width: document.documentElement.scrollWidth,
    inner: innerWidth,
    pictures: [...document.images].map(
        i => [i.complete, i.naturalWidth, i.getBoundingClientRect().width]),
    rows: document.querySelectorAll('tbody tr').length,
    headings: [...document.querySelectorAll('h2')].map(h => h.innerText)})'''

def done(text):
    print("RESULT", json.dumps({**json.loads(text), "asked": asked, "said": said}))
    application.quit()

def loaded(ok):
    QTimer.singleShot(300, lambda: view.page().runJavaScript(look, done))

view.loadFinished.connect(loaded)
view.load(QUrl.fromLocalFile(sys.argv[1]))
view.show()
QTimer.singleShot(40000, application.quit)
application.exec()
"""


def in_chromium(path):
    """The document of a page after a headless Chromium or Chrome has loaded it."""
    for name in "chromium", "chromium-browser", "google-chrome", "chrome":
        if shutil.which(name):
            done = subprocess.run(
                [
                    name,
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--dump-dom",
                    f"file://{path}",
                ],
                capture_output=True,
                text=True,
                timeout=PATIENCE,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout
    return None


def test_a_report_in_a_real_browser(run, data, tmp_path):
    run("fit", data, "-k", "2:6", "--report", "r.html")
    path = tmp_path / "r.html"
    try:
        import PyQt6.QtWebEngineWidgets  # noqa: F401
    except ImportError:
        dom = in_chromium(path)
        if dom is None:
            pytest.skip(
                "no browser here: pip install 'ckmeans-cython[browser]', or install Chromium"
            )
        assert dom.count("<img ") == 6 and "<h2>To repeat this</h2>" in dom
        return
    environment = subprocess_environment(
        QT_QPA_PLATFORM="offscreen",
        QTWEBENGINE_DISABLE_SANDBOX="1",
        QTWEBENGINE_CHROMIUM_FLAGS="--no-sandbox --disable-gpu",
    )
    done = subprocess.run(
        [sys.executable, "-c", BROWSER, str(path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert lines, done.stderr[-2000:]
    seen = json.loads(lines[0].partition(" ")[2])
    assert seen["title"] == "Clusters of data.csv"
    assert seen["headings"] == [
        "Summary",
        "Data",
        "Choice of k",
        "Clusters",
        "Profiles",
        "Spreads",
        "Typical rows",
        "Most unusual rows",
        "As a decision tree",
        "To repeat this",
        "Glossary",
    ]
    assert len(seen["pictures"]) == 6
    assert all(
        complete and natural > 300 and 300 < width <= 1000
        for complete, natural, width in seen["pictures"]
    )
    assert seen["width"] <= seen["inner"] and seen["rows"] > 15  # nothing wider than the window
    assert set(seen["asked"]) <= {"file", "data"} and seen["said"] == []


@pytest.mark.parametrize(("factor", "warned"), [(1, False), (1000, True)])
def test_a_page_prints_explains_its_words_and_shows_warnings(factor, warned):
    X = blobs() * [1, factor]
    page = report(KMeans(4, n_init=1, random_state=0).fit(X), X)
    assert "@media print" in page and "<h2>Glossary</h2>" in page
    assert ('<p class="warning">The spreads' in page) == warned
    noted = report(KMeans(2, n_init=1, random_state=0).fit(X), X, notes=["<careful>"])
    assert '<p class="warning">Note: &lt;careful&gt;</p>' in noted


def fitted(X, k=4, **params):
    return KMeans(k, **{"random_state": 0, **params}).fit(X)


def tables(page):
    """The tables of a page, as lists of rows of cells."""
    found = []
    for text in re.findall("<table.*?</table>", page, re.DOTALL):
        rows = re.findall("<tr>(.*?)</tr>", text, re.DOTALL)
        found.append([re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows])
    return found


def warned(page):
    return re.findall('<p class="warning">(.*?)</p>', page)


def test_a_report_says_first_what_the_clusters_are():
    X = blobs()
    model = fitted(X)
    page = report(model, X, source="x.csv", date="a Sunday", title="T")
    first = page[page.index("<h1>") : page.index("<h2>Data</h2>")]
    assert "x.csv: 240 rows, 2 columns. a Sunday." in first
    assert "4 clusters of 240 rows. Their mean silhouette is 0.8" in first
    assert (
        "a strong structure" in first
        and "Runs: 4, the best refined; all reached this inertia." in first
    )
    for cluster in ckmeans.explain(model, X, feature_names=["feature 0", "feature 1"]).clusters:
        assert f"<li>{cluster.sentence}</li>" in first
    assert warned(page) == []


def test_equal_input_gives_equal_pages(monkeypatch):
    import datetime

    X = blobs()
    model = fitted(X)
    at = datetime.datetime(2026, 11, 29, 13, 5)
    page = report(model, X, date=at)
    assert page == report(model, X, date=at) and "2026-11-29 13:05" in page
    assert "2026-11-30" in report(model, X, date=datetime.date(2026, 11, 30))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert "1970-01-02 00:00 UTC" in report(model, X)
    with pytest.raises(TypeError, match="date must be a datetime, a date, a str or None, got int"):
        report(model, X, date=3)


@pytest.fixture
def words_only(monkeypatch):
    """Pages without their pictures, which take most of the time."""
    close = pytest.importorskip("matplotlib.pyplot").close
    monkeypatch.setattr(
        sys.modules["ckmeans.report"], "_figure", lambda figure, caption: close(figure) or ""
    )


def heads_and_first_cells(page, title):
    """Of the first table below a heading: its heads, and the first two cells of each row."""
    part = page.partition(f"<h2>{title}</h2>")[2].partition("</table>")[0]
    heads, *rows = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in part.split("<tr>")[1:])
    return heads, [row[:2] for row in rows]


@pytest.mark.usefixtures("words_only")
@pytest.mark.parametrize(
    ("scale", "said"),
    [(None, None), ("standard", "standard deviation"), ("robust", "interquartile range")],
)
def test_scaled_columns_are_said(scale, said):
    X = blobs() * [1, 1000]
    page = report(fitted(X, scale=scale), X)
    summary = page.partition("<h2>Summary</h2>")[2].partition("<h2>")[0]
    assert (f"Each column was divided by its {said}:" in summary) == (said is not None)
    assert ("divided by" in summary) == (said is not None)


@pytest.mark.usefixtures("words_only")
def test_rows_are_shown_by_what_they_are_called():
    pandas = pytest.importorskip("pandas")
    X = blobs()
    model = fitted(X)
    X[5] = 50
    table = pandas.DataFrame(X, columns=["x", "y"])
    called = table.set_axis([f"c{i}" for i in range(len(X))]).rename_axis("customer")
    for rows, more, heads, cells in (
        (X, {}, ["row", "cluster"], "5"),
        (table, {}, ["row", "cluster"], "5"),
        (called, {}, ["row", "customer"], ("5", "c5")),
        (called.rename_axis(None), {}, ["row", "index"], ("5", "c5")),
        (table[::-1], {}, ["row", "index"], (str(len(X) - 6), "5")),
        (table.set_axis(range(1, len(X) + 1)), {}, ["row", "index"], ("5", "6")),
        (X, {"ids": {"key": range(100, 100 + len(X))}}, ["row", "key"], ("5", "105")),
        (X, {"command": ["ckmeans", "fit"]}, ["row", "cluster"], "6"),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that the model does not know
            page = report(model, rows, **more)
        for title in ("Typical rows", "Most unusual rows"):
            found, first = heads_and_first_cells(page, title)
            assert found[:2] == heads, title
        assert cells in (first[0][0], tuple(first[0]))
        said = "Row 1 is the first below" if "command" in more else "Rows are counted from 0, as in"
        assert page.count(said) == 2
    with pytest.raises(ValueError, match="the id column 'key' has 3 values"):
        report(model, X, ids={"key": [1, 2, 3]})


@pytest.mark.usefixtures("words_only")
def test_the_page_of_the_command_has_the_ids_of_the_file(run):
    X = blobs()
    lines = [f"{900 + i},{x},{y},{'ab'[i % 2]}" for i, (x, y) in enumerate(X.tolist())]
    Path("ids.csv").write_text("\n".join(["order_id,x,y,kind", *lines, ""]))
    run("fit", "ids.csv", "-k", 3, "--report", "ids.html", "--model", "ids.npz")
    far = int(ckmeans.load("ids.npz").anomaly_scores(X).argmax())
    heads, first = heads_and_first_cells(Path("ids.html").read_text(), "Most unusual rows")
    assert heads[:2] == ["row", "order_id"] and first[0] == [str(1 + far), str(900 + far)]


@pytest.mark.usefixtures("words_only")
@pytest.mark.parametrize(
    ("columns", "params", "said"),
    [
        ({}, {}, []),
        ({"y": 1000.0}, {}, ["The spreads of the columns differ"]),
        ({"y": 1000.0}, {"scale": "standard"}, []),
        ({"id": np.arange(240)}, {"scale": "standard"}, ["The column id looks like an identifier"]),
        ({"n": 1 + np.arange(240)[::-1]}, {"scale": "standard"}, ["The column n looks like"]),
        ({"year": 1700 + np.arange(240)}, {"scale": "standard"}, []),
        ({"user_id": 3 * np.arange(240)}, {"scale": "standard"}, ["The column user_id looks like"]),
        ({"size": 3 * np.arange(240)}, {"scale": "standard"}, []),
        ({}, {"max_iter": 1, "n_init": 1, "refine": None, "init": "random"}, ["The fit was ended"]),
    ],
)
def test_warnings_stand_out(columns, params, said):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(blobs(), columns=["x", "y"])
    for name, values in columns.items():
        X[name] = X["y"] * values if name == "y" else values
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = warned(report(fitted(X, **params), X))
    assert len(found) == len(said), found
    assert all(text.startswith(start) for text, start in zip(found, said))


@pytest.mark.usefixtures("words_only")
def test_a_local_optimum_is_told():
    X = np.random.default_rng(0).normal(size=(400, 2)) + 9 * np.repeat(np.eye(2), 200, axis=0)
    model = fitted(X, 15, n_init=4, refine=None, init="random")
    inertias = sorted(run.inertia for run in model.runs_)
    assert inertias[1] > inertias[0] * 1.001  # found once
    (text,) = [text for text in warned(report(model, X)) if "local optimum" in text]
    assert text.startswith("Only one of 4 runs has found this result")
    assert f"up to {inertias[-1] / inertias[0] - 1:.1%} worse" in text
    noise = np.random.default_rng(0).random((300, 6))
    assert any("The clusters overlap" in text for text in warned(report(fitted(noise, 7), noise)))


def test_spreads_typical_rows_and_outliers():
    X = np.concatenate([blobs(), [[80.0, 80.0], [-90.0, 5.0]]])
    model = fitted(X, n_outliers=2)
    page = report(model, X)
    spreads = next(rows for rows in tables(page) if rows[0][:2] == ["column", "cluster"])
    assert len(spreads) == 1 + 2 * 4
    for label in range(4):
        mine = X[model.labels_ == label, 1]
        expected = [mine.mean(), mine.std(), *np.quantile(mine, [0, 0.25, 0.5, 0.75, 1])]
        assert spreads[1 + 4 + label][1] == str(label)
        assert np.allclose([float(text) for text in spreads[5 + label][2:]], expected, rtol=1e-4)
    typical, unusual = (rows for rows in tables(page) if rows[0][:2] == ["row", "cluster"])
    kept = np.flatnonzero(model.labels_ >= 0)
    explained = ckmeans.explain(model, X[kept])
    rows = [int(kept[i]) for cluster in explained.clusters for i in cluster.typical]
    assert [int(row[0]) for row in typical[1:]] == rows
    assert [row[1] for row in typical[1:]] == [str(model.labels_[i]) for i in rows]
    assert {row[0] for row in unusual[1:3]} == {"240", "241"}
    assert [row[1] for row in unusual[1:3]] == ["outlier"] * 2
    assert "242 rows, 2 outliers left out" in page and "left out 2 outliers" in page


@pytest.mark.usefixtures("words_only")
def test_text_columns_are_broken_down():
    X = blobs()
    model = fitted(X)
    kind = [["a", "b"][label % 2] for label in model.labels_]
    kind[:5] = [None] * 5
    name = [f"row {i}" for i in range(240)]
    page = report(model, X, texts={"kind": kind, "<name>": name})
    broken = next(rows for rows in tables(page) if "values" in rows[0])
    assert broken[1][:3] == ["all", "235", "5"] and len(broken) == 6
    for label in range(4):
        assert broken[2 + label][3] == f"{['a', 'b'][label % 2]} 100%"
    assert "<b>&lt;name&gt;</b>: 240 different values, not broken down." in page
    typical = next(rows for rows in tables(page) if rows[0][-2:] == ["kind", "&lt;name&gt;"])
    assert all(row[-1] == f"row {row[0]}" for row in typical[1:])
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"kind": kind, "<name>": name})
    page = report(model, X, texts={"kind": kind, "<name>": name}, date="-")
    assert report(model, X, texts=frame, date="-") == page
    for dtype in ("string", "category", object):  # whose missing values differ
        other = {"kind": pandas.Series(kind, dtype=dtype), "<name>": name}
        assert report(model, X, texts=other, date="-") == page
    with pytest.raises(ValueError, match="'kind' has 3 values, but X has 240 rows"):
        report(model, X, texts={"kind": "abc"})
    with pytest.raises(TypeError, match="texts must be a dict of columns or a table, got list"):
        report(model, X, texts=kind)


@pytest.mark.parametrize("argument", ["texts", "ids"])
def test_tables_and_columns_of_what_is_known_of_rows(argument):
    pandas = pytest.importorskip("pandas")
    X = blobs()
    model = fitted(X)
    keys = {"key": [None, *(f"k{i}" for i in range(1, 240))], "number": list(range(240))}
    page = report(model, X, date="-", **{argument: keys})
    tables = [pandas.DataFrame(keys)]
    for module, make in ("polars", "DataFrame"), ("pyarrow", "table"):
        with contextlib.suppress(ImportError):
            tables.append(getattr(importlib.import_module(module), make)(keys))
    for table in tables:
        assert report(model, X, date="-", **{argument: table}) == page
    series = tables[0]["number"]
    for wrong, error, message in [
        (series, TypeError, "must be a dict of columns or a table, got Series"),
        ({"a": 5}, TypeError, "column 'a' must have a value for each row, got 5"),
        ({"a": np.array(5)}, TypeError, "column 'a' must have a value for each row"),
        ({"a": None}, TypeError, "column 'a' must have a value for each row, got None"),
        (pandas.concat([series, series], axis=1), ValueError, "two columns 'number': rename"),
    ]:
        with pytest.raises(error, match=message):
            report(model, X, **{argument: wrong})


def test_text_columns_of_a_file_are_in_its_report(run):
    rows = [[*row, ["north", "south"][i // 120]] for i, row in enumerate(blobs().tolist())]
    csv_file("places.csv", ["x", "y", "part"], rows)
    run("fit", "places.csv", "-k", 4, "--report", "r.html")
    page = open("r.html", encoding="utf-8").read()
    assert "<h2>Text columns</h2>" in page and "north 50%, south 50%" in page
    assert page.count("north 100%") == 2 == page.count("south 100%")


def test_pages_are_dark_where_the_browser_is_and_pictures_light():
    import matplotlib.pyplot as plt

    X = blobs()
    model = fitted(X)
    page = report(model, X, date="-")
    assert "prefers-color-scheme: dark" in page and "@page" in page
    with plt.style.context("dark_background"):
        assert report(model, X, date="-") == page


def test_pages_of_other_models():
    X = np.random.default_rng(0).normal(size=(60, 3))
    for model in (
        ckmeans.MiniBatchKMeans(3, random_state=0),
        KMeans(1),
        KMeans(60, n_init=1),
        KMeans(3, metric="cosine", random_state=0),
    ):
        page = Page(report(model.fit(X), X, date="-"))
        assert "Summary" in page.words and "Glossary" in page.words
    # One run without inertia, and others.
    X = np.repeat([[0.0, 0.0], [1.0, 0.0], [30.0, 0.0]], 9, axis=0)
    model = KMeans(3, init="random-partition", n_init=6, refine=None, random_state=0).fit(X)
    report(model, X)
