"""The texts of a release: versions, links, changelog, workflows, the conda recipe."""

import importlib.util
import pydoc
import re
import sys
from pathlib import Path

import pytest

import ckmeans

TOP = Path(__file__).resolve().parents[2]
if not (TOP / "pyproject.toml").exists():
    pytest.skip("run the tests in a checkout of the repository", allow_module_level=True)
if sys.version_info < (3, 11):
    pytest.skip("needs tomllib, of Python 3.11", allow_module_level=True)
import tomllib  # noqa: E402

PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
CHANGELOG = (TOP / "CHANGELOG.md").read_text("utf-8")
RECIPE = TOP / "conda.recipe" / "meta.yaml"  # as the workflows, not in source distributions
WORKFLOWS = sorted((TOP / ".github" / "workflows").glob("*.yml"))


def release_checks():
    spec = importlib.util.spec_from_file_location("check_release", TOP / ".ci" / "check_release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- texts ----------------------------------------------------------------------------------------


def test_the_readme_is_short():
    assert len((TOP / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize(
    "page",
    [TOP / name for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md")]
    + sorted(TOP.glob("docs/*.md"))
    + sorted(TOP.glob("docs/[!_]*/*.md")),
    ids=lambda page: page.relative_to(TOP).as_posix(),
)
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.S | re.M)
    for target in re.findall(r'(?:\]\(|src=")([^)"\s]+)', text):
        if target.startswith(("https://", "http://", "#")) or "gallery/" in target:
            continue  # (pages of the gallery are made when the site is built, which checks them)
        assert (page.parent / target.partition("#")[0]).exists(), target


def test_the_changelog_has_the_form_of_keep_a_changelog():
    headings = re.findall(r"^## (.*)$", CHANGELOG, re.M)
    assert headings[0] == "[Unreleased]"
    for heading in headings[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading)
    assert len(set(headings)) == len(headings)
    kinds = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for section in re.split(r"^## .*$", CHANGELOG, flags=re.M)[1:]:
        found = re.findall(r"^### (.*)$", section, re.M)
        assert found == [kind for kind in kinds if kind in found]  # known, in order, once each
        lines = re.findall(r"^- .*$", section, re.M)
        assert len(set(lines)) == len(lines)


def test_a_changelog_is_put_into_form():
    spec = importlib.util.spec_from_file_location("tidy", TOP / ".ci" / "tidy_changelog.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    merged = """# Changelog

Text.

## [Unreleased]

### Added
- One,
  in two lines.

### Fixed
- Three.
### Added
- Two.
- One, in two lines.

## 0.2 (soon)

### Fixed
- Four.

## [0.1.0] - 2026-01-01

### Fixed

- Five.

[Unreleased]: https://example.org
"""
    wanted = """# Changelog

Text.

## [Unreleased]

### Added

- One, in two lines.
- Two.

### Fixed

- Three.
- Four.

## [0.1.0] - 2026-01-01

### Fixed

- Five.

[Unreleased]: https://example.org
"""
    assert module.tidy(merged) == wanted
    assert module.tidy(module.tidy(merged)) == module.tidy(merged)
    assert module.tidy(CHANGELOG) == CHANGELOG


def test_the_reference_has_everything_public():
    text = (TOP / "docs" / "api" / "index.rst").read_text("utf-8")
    listed, module = set(), ""
    for line in text.splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.partition(":: ")[2]
        elif re.fullmatch(r"   [\w.]+", line):
            listed.add(f"{module}.{line.strip()}")
    assert {f"ckmeans.{name}" for name in ckmeans.__all__} <= listed
    pytest.importorskip("matplotlib")
    inside = {"pyplot", "thin", "nearest", "own_sq_distances", "mean_distances", "exact_sum"}
    inside |= {"exact_mean", "codes", "is_missing", "labels_of"}
    for name in ("plot", "metrics"):
        module = getattr(ckmeans, name)
        public = {
            key
            for key, value in vars(module).items()
            if callable(value)
            and not key.startswith("_")
            and getattr(value, "__module__", "") == module.__name__
        }
        assert {f"{module.__name__}.{key}" for key in public - inside} <= listed
    for name in listed:  # and nothing that is not there
        assert pydoc.locate(name) is not None, name


# --- metadata -------------------------------------------------------------------------------------


def test_the_version_stands_in_one_place():
    assert PROJECT["project"]["dynamic"][0] == "version"
    attribute = PROJECT["tool"]["setuptools"]["dynamic"]["version"]["attr"]
    assert attribute == "ckmeans._input.configuration.__version__"
    checks = release_checks()
    assert checks.own_version() == ckmeans.__version__


def test_the_project_says_where_it_is():
    checks = release_checks()
    assert checks.URLS <= PROJECT["project"]["urls"].keys()
    assert PROJECT["project"]["authors"] and PROJECT["project"]["keywords"]
    for name in ("CITATION.cff", "SECURITY.md", "LICENSE"):
        assert (TOP / name).stat().st_size > 100


def test_the_conda_recipe_needs_what_the_project_needs():
    jinja2, yaml = pytest.importorskip("jinja2"), pytest.importorskip("yaml")

    def load_file_regex(load_file, regex_pattern, from_recipe_dir):
        assert from_recipe_dir
        return re.search(regex_pattern, (TOP / "conda.recipe" / load_file).read_text("utf-8"))

    if not RECIPE.exists():
        pytest.skip("run the tests in a checkout of the repository")
    text = RECIPE.read_text("utf-8")
    kinds = {"compiler": str, "stdlib": str, "PYTHON": "python", "target_platform": "linux-64"}
    recipe = yaml.safe_load(jinja2.Template(text).render(load_file_regex=load_file_regex, **kinds))
    assert recipe["package"] == {"name": PROJECT["project"]["name"], "version": ckmeans.__version__}
    needs = {line.replace(" ", "") for line in recipe["requirements"]["host"]}
    assert set(PROJECT["build-system"]["requires"]) <= needs
    needs = {line.replace(" ", "") for line in recipe["requirements"]["run"]}
    assert needs == {
        *PROJECT["project"]["dependencies"],
        "python" + PROJECT["project"]["requires-python"],
    }
    entry = [f"{name} = {call}" for name, call in PROJECT["project"]["scripts"].items()]
    assert recipe["build"]["entry_points"] == entry


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path):
    """By the hash of a commit, since a tag can be moved; the version stands beside it."""
    uses = re.findall(r"uses: (.*)$", path.read_text("utf-8"), re.M)
    assert uses
    for line in uses:
        assert line.startswith("./") or re.fullmatch(
            r"[\w./-]+@[0-9a-f]{40}  # v\d+(\.\d+)*", line
        ), line


def test_one_action_has_one_version_everywhere():
    pins = {}
    for path in WORKFLOWS:
        for action, pin in re.findall(r"uses: ([\w/-]+)@(\S+)", path.read_text("utf-8")):
            assert pins.setdefault(action, pin) == pin, f"{action} in {path.name}"


CALLERS = [
    TOP / "pyproject.toml", TOP / "README.md", TOP / "CONTRIBUTING.md",
    RECIPE, *WORKFLOWS,
    *(path for path in sorted((TOP / ".ci").iterdir()) if path.is_file()),
]  # fmt: skip


@pytest.mark.parametrize("path", list(filter(Path.exists, CALLERS)), ids=lambda path: path.name)
def test_tests_that_are_called_by_name_are_there(path):
    """`--ignore` and a shell's globs say nothing where a file has been renamed."""
    text = path.read_text("utf-8")
    for named in re.findall(r"(?<![\w/])(?:tests/)?[\w/]*\btest_\w+\.py", text):
        assert any((folder / named).is_file() for folder in (TOP, TOP / "tests")), named


def test_the_manifest_names_every_file_of_the_repository(monkeypatch):
    egg_info = pytest.importorskip("setuptools.command.egg_info")
    tracked = release_checks().tracked()
    if not tracked:
        pytest.skip("run the tests in a checkout of the repository")
    monkeypatch.chdir(TOP)
    named = egg_info.FileList()
    for line in (TOP / "MANIFEST.in").read_text("utf-8").splitlines():
        named.process_template_line(line)
    # What setuptools adds by itself.
    added = {"pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in"}
    added |= {name for name in tracked if re.match(r"ckmeans/.*\.pyi?$|ckmeans/py\.typed$", name)}
    assert tracked - added <= {name.replace("\\", "/") for name in named.files}


# --- the check of a release -----------------------------------------------------------------------


def metadata(**changes):
    import email.message

    found = email.message.EmailMessage()
    fields = {"Name": "ckmeans-cython", "Version": "1.2.3", "Requires-Dist": "numpy>=1.25"}
    for key, value in {**fields, **changes}.items():
        if key != "body":
            found[key.replace("_", "-")] = value
    for url in release_checks().URLS - {changes.get("without")}:
        found["Project-URL"] = f"{url}, https://example.org"
    found.set_payload(changes.get("body", "[a](https://example.org) [b](#part)"))
    return found


@pytest.mark.parametrize(
    "changes, said",
    [
        ({}, None),
        ({"Name": "ckmeans"}, "is called ckmeans"),
        ({"Version": "1.2.4"}, "version 1.2.4, but the sources say 1.2.3"),
        ({"Requires-Dist": "scipy"}, "NumPy is to be the only package"),
        ({"without": "Issues"}, "no URL for Issues"),
        ({"body": "[here](docs/start.md)"}, "leads nowhere on an index: docs/start.md"),
        ({"body": '<img src="docs/x.svg">'}, "leads nowhere on an index: docs/x.svg"),
    ],
)
def test_faults_of_metadata_are_found(changes, said):
    found = list(release_checks().faults_of_metadata("x.whl", metadata(**changes), "1.2.3"))
    assert not found if said is None else len(found) == 1 and said in found[0]


def test_a_tag_of_another_version_is_a_fault():
    found = list(release_checks().faults_of_tag("v99.0.0", "1.2.3"))
    assert "the tag is v99.0.0, but the sources are of version 1.2.3" in found[0]
    assert "no section '## [1.2.3]" in found[1]
