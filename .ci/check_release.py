"""What the tools of others do not check of a release: see check-release."""

import argparse
import email
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
#: What every release says about itself.
URLS = {"Homepage", "Documentation", "Source", "Issues", "Changelog"}
#: Of a wheel.
MOST_BYTES = 4e6
#: What every source distribution has, so that it builds, is tested and is understood by itself.
SOURCES = {
    "pyproject.toml", "setup.py", "README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff",
    "SECURITY.md", "ckmeans/_native/engine.pyx", "ckmeans/_native/runtime/simd.h",
    "tests/oracle.py", "docs/conf.py", "docs/build", "bench/__main__.py",
}  # fmt: skip


#: What a source distribution may lack: folders and files for work in a checkout.
CHECKOUT_ONLY = {
    ".github", "conda.recipe", ".gitignore", ".pre-commit-config.yaml", ".clang-format",
}  # fmt: skip


def tracked():
    """The files of the repository that a source distribution has; none outside of a checkout."""
    if not (TOP / ".git").exists():
        return set()
    said = subprocess.run(["git", "ls-files"], cwd=TOP, check=True, capture_output=True, text=True)
    return {name for name in said.stdout.splitlines() if CHECKOUT_ONLY.isdisjoint(Path(name).parts)}


def own_version():
    text = (TOP / "ckmeans" / "_input" / "configuration.py").read_text("utf-8")
    return re.search(r'^__version__ = "([^"]+)"$', text, re.M)[1]


def faults_of_metadata(name, metadata, version):
    if metadata["Name"] != "ckmeans-cython":
        yield f"{name}: is called {metadata['Name']}"
    if metadata["Version"] != version:
        yield f"{name}: version {metadata['Version']}, but the sources say {version}"
    urls = {line.partition(",")[0] for line in metadata.get_all("Project-URL", [])}
    if URLS - urls:
        yield f"{name}: no URL for {', '.join(sorted(URLS - urls))}"
    needs = [n for n in metadata.get_all("Requires-Dist", []) if "extra ==" not in n]
    if [re.match(r"[\w-]+", need)[0] for need in needs] != ["numpy"]:
        yield f"{name}: needs {needs}, but NumPy is to be the only package"
    for target in re.findall(r'(?:\]\(|src=")([^)"\s]+)', metadata.get_payload()):
        if not target.startswith(("https://", "#")):
            yield f"{name}: the description has a link that leads nowhere on an index: {target}"


def faults_of_wheel(path, version):
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        (metadata,) = (n for n in names if n.endswith(".dist-info/METADATA"))
        text = wheel.read(metadata).decode()
    yield from faults_of_metadata(path.name, email.message_from_string(text), version)
    if not any(re.search(r"_native/engine\..*(so|pyd)$", n) for n in names):
        yield f"{path.name}: has no compiled engine"
    sources = [n for n in names if n.endswith((".c", ".pyx", ".pxi", ".pxd", ".h", ".pyc"))]
    if sources:
        yield f"{path.name}: has sources, such as {sources[0]}"
    for needed in ("ckmeans/py.typed", "ckmeans/__init__.pyi"):
        if needed not in names:
            yield f"{path.name}: has no {needed}"
    if path.stat().st_size > MOST_BYTES:
        size = path.stat().st_size / 1e6
        yield f"{path.name}: {size:.1f} MB, more than {MOST_BYTES / 1e6:g}"


def faults_of_source(path, version):
    with tarfile.open(path) as archive:
        names = {n.partition("/")[2] for n in archive.getnames()}
        text = archive.extractfile(f"{path.name.removesuffix('.tar.gz')}/PKG-INFO").read()
    yield from faults_of_metadata(path.name, email.message_from_bytes(text), version)
    absent = (SOURCES | tracked()) - names
    if absent:
        yield f"{path.name}: has no {', '.join(sorted(absent))}"
    made = [n for n in names if re.search(r"\.(so|pyd|pyc)$|^build/|_native/.*\.c$", n)]
    if made:
        yield f"{path.name}: has what a build made, such as {made[0]}"


def faults_of_tag(tag, version):
    if tag != f"v{version}":
        yield f"the tag is {tag}, but the sources are of version {version}"
    changelog = (TOP / "CHANGELOG.md").read_text("utf-8")
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.M):
        yield f"CHANGELOG.md has no section '## [{version}] - YYYY-MM-DD'"
    if not (TOP / "bench" / "releases" / f"{version}.json").exists():
        yield f"no bench/releases/{version}.json: python -m bench --quick --save {version}"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dist", type=Path)
    parser.add_argument("--tag")
    args = parser.parse_args(argv)
    version = own_version()
    wheels, sources = sorted(args.dist.glob("*.whl")), sorted(args.dist.glob("*.tar.gz"))
    faults = [fault for path in wheels for fault in faults_of_wheel(path, version)]
    faults += [fault for path in sources for fault in faults_of_source(path, version)]
    if len(sources) != 1 or not wheels:
        faults.append(f"{len(wheels)} wheels and {len(sources)} source distributions")
    if args.tag:
        faults += faults_of_tag(args.tag, version)
    print("\n".join(faults) or f"{len(wheels)} wheels and the source of {version}: nothing to say")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
