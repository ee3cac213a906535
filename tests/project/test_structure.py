"""The floors of the package: imports point one way, downwards, and there is no cycle.

Imports inside functions count. A floor imports from itself and from those below it; only a method
may hand over to a floor above, as `KMeans.fit_chunks` does, and only within its body.
"""

import ast
import re
from pathlib import Path

import pytest

import ckmeans

ROOT = Path(ckmeans.__file__).parent
REPOSITORY = Path(__file__).resolve().parents[2]

#: The floors from the ground up; a module or folder each, by its name below `ckmeans`.
FLOORS = [
    {"_native"},
    {"_output"},
    {"_input"},
    {"_inits", "_refine", "_rules"},
    {"_estimators"},
    {"partial", "_blocks", "progress"},
    {"metrics", "image", "select", "_choosing_k", "_exports", "_insight"},
    {"plot", "_plots", "dask", "ray"},
    {"report", "tutorial"},
    {"_cli", "cli", "__main__"},
]
FLOOR_OF = {name: height for height, names in enumerate(FLOORS) for name in names}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
    if path != ROOT / "__init__.py"
}


def floor(module):
    return FLOOR_OF[module.partition(".")[0]]


def imports_of(module):
    """(imported module, enclosing method or None) for every import of the package in a module."""
    path = MODULES[module]
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    found = []

    def named(base, names):
        """The modules that `from base import names` loads; the package itself is ""."""
        for name in names:
            inner = ".".join([*base, name])
            yield inner if inner in MODULES else ".".join(base)

    def visit(node, around, method=None):
        if isinstance(node, ast.FunctionDef) and isinstance(around, ast.ClassDef):
            method = node.name
        if isinstance(node, ast.ImportFrom):
            if node.level:
                base = package[: len(package) - node.level + 1] if node.level > 1 else list(package)
                base += node.module.split(".") if node.module else []
            elif (node.module or "").partition(".")[0] == "ckmeans":
                base = node.module.split(".")[1:]
            else:
                return
            names = [alias.name for alias in node.names]
            found.extend((name, method) for name in named(base, names))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                top, _, rest = alias.name.partition(".")
                if top == "ckmeans":
                    found.append((rest, method))
        for child in ast.iter_child_nodes(node):
            visit(child, node, method)

    visit(ast.parse(path.read_text(encoding="utf-8")), None)
    return [(name, method) for name, method in found if name != module]


def test_every_module_is_on_a_floor():
    assert not [module for module in MODULES if module.partition(".")[0] not in FLOOR_OF]


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    for name, method in imports_of(module):
        if not name:  # the package itself: what it offers users is for the top floor alone
            assert floor(module) == len(FLOORS) - 1, f"{module} imports from the package's own face"
        elif floor(name) > floor(module):
            assert method, f"{module} imports {name}, a floor above it, outside of a method"


def test_there_is_no_cycle():
    below = {
        module: {name for name, _ in imports_of(module) if name in MODULES} for module in MODULES
    }
    done, path = set(), []

    def visit(module):
        if module in done:
            return
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        path.append(module)
        for name in sorted(below[module]):
            visit(name)
        path.pop()
        done.add(module)

    for module in MODULES:
        visit(module)


@pytest.mark.parametrize("module", MODULES)
def test_private_names_of_the_checks_stay_in_their_modules(module):
    """What other modules use of `_input` has a public name."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    checks, private = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and "_input" in (node.module or "").split("."):
            checks |= {alias.asname or alias.name for alias in node.names}
            private += [
                alias.name
                for alias in node.names
                if alias.name.startswith("_") and not alias.name.startswith("__")
            ]
    private += [
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in checks
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
    ]
    assert not private


def file_of(name):
    """The file or folder that a text means by this name, or None."""
    for place in (REPOSITORY, REPOSITORY / "ckmeans", REPOSITORY / "tests"):
        for path in (place / name, place / f"{name}.py"):
            if path.exists():
                return path
    return None


@pytest.mark.parametrize("text", ["ARCHITECTURE.md", "CONTRIBUTING.md", "tests/README.md"])
def test_texts_name_files_that_exist(text):
    if not (REPOSITORY / text).exists() or not (REPOSITORY / "ARCHITECTURE.md").exists():
        pytest.skip("the tests run apart from the repository")
    said = (REPOSITORY / text).read_text(encoding="utf-8")
    named = {
        name
        for name in re.findall(r"`(\.?\w[\w./]*)`", said)
        if "/" in name or name.endswith((".py", ".pyi", ".h", ".pxi", ".md"))
    }
    assert named
    assert not [name for name in sorted(named) if file_of(name) is None]


def test_the_architecture_names_functions_where_they_are():
    if not (REPOSITORY / "ARCHITECTURE.md").exists():
        pytest.skip("the tests run apart from the repository")
    said = (REPOSITORY / "ARCHITECTURE.md").read_text(encoding="utf-8")
    pairs = [
        (path, name)
        for path, names in re.findall(r"`([\w/]+\.\w+)`: (`[\w.]+`(?:, `[\w.]+`)*)", said)
        for name in re.findall(r"[\w.]+", names)
        if "/" not in name
    ]
    assert len(pairs) > 5
    for path, name in pairs:
        source = file_of(path).read_text(encoding="utf-8")
        assert re.search(rf"\b{name.rpartition('.')[2]}\(", source), f"{name} is not in {path}"
