"""Builds the extension modules: the engine, and the kernels once per instruction set and element
type.

Kernels have one source each (`kernels/filter/filter.pxi`, `kernels/exact/exact.pxi`,
`kernels/one_dim/one_dim.pxi`, ...), which Cython translates once. The modules that include its C
are two lines long, and written here, into the build directory. ARCHITECTURE.md says what an
instruction set takes.

One wheel for each version of Python, not abi3: the engine's memoryviews would need 3.11 and its
limited API makes a fit of 150 rows 7 % slower (41.3 instead of 38.4 us), and free-threaded
interpreters load no such module.
"""

import os
import platform
import re
import sys
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools._distutils.ccompiler import new_compiler
from setuptools._distutils.errors import CompileError
from setuptools._distutils.sysconfig import customize_compiler
from setuptools.command.build_ext import build_ext

REPOSITORY = "https://github.com/ckmeans/ckmeans"
VERSION_FILE = Path("ckmeans", "_input", "configuration.py")
NATIVE = Path("ckmeans", "_native")
GENERATED = Path("build", "generated")

MSVC = sys.platform == "win32" and "GCC" not in sys.version
X86_64 = (
    platform.machine().lower() in ("x86_64", "amd64")
    and os.environ.get("ARCHFLAGS", "").find("arm64") < 0
)


def compiles(text, flags):
    """Whether the compiler takes this C with these flags."""
    compiler = new_compiler()
    customize_compiler(compiler)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text(text)
        try:
            compiler.compile([str(source)], output_dir=folder, extra_postargs=flags)
        except CompileError:
            return False
    return True


# name -> compiler flags. "baseline" runs on any CPU of the target and comes first; then narrow to
# wide.
INSTRUCTION_SETS = {"baseline": []}
if X86_64 and not MSVC:
    INSTRUCTION_SETS["avx2"] = ["-mavx2", "-mfma", "-mbmi", "-mbmi2"]
    INSTRUCTION_SETS["avx512"] = [
        *INSTRUCTION_SETS["avx2"],
        "-mavx512f",
        "-mavx512dq",
        "-mavx512bw",
        "-mavx512vl",
        "-mprefer-vector-width=512",
    ]
    INSTRUCTION_SETS["avx512vnni"] = [*INSTRUCTION_SETS["avx512"], "-mavx512vnni"]
    # (GCC 11 and clang 12 are the first that know tiles; other systems do not let us have them)
    AMX = [*INSTRUCTION_SETS["avx512vnni"], "-mamx-tile", "-mamx-int8"]
    if sys.platform == "linux" and compiles(
        "#include <immintrin.h>\nvoid f(void) { _tile_dpbsud(0, 1, 2); }\n", AMX
    ):
        INSTRUCTION_SETS["amx"] = AMX
#: What the exact kernels are compiled for: module name -> number in kernels/exact/terms.h.
METRICS = {"exact": 0, "manhattan": 1, "gaps": 2}
FILTER_ONLY = {
    "avx512vnni",
    "amx",
}  # they have nothing for the other kernels: those of the set before will do

if MSVC:
    OPTIMISE, CONTRACT, NO_CONTRACT = ["/O2"], [], ["/fp:precise"]
else:
    OPTIMISE = [
        "-O3",
        "-fno-strict-aliasing",
        "-fno-math-errno",
        "-fno-trapping-math",
        "-g0",
        "-Wno-unused-function",
    ]
    # The filter may fuse multiply and add, as its bounds allow for that; kernels that decide must
    # round as their code is written.
    CONTRACT, NO_CONTRACT = ["-ffp-contract=fast"], ["-ffp-contract=off"]

# CKMEANS_DEBUG_BOUNDS=1 builds a package that compares every bound with true distances and raises
# AssertionError where one is wrong; it is slow. CONTRIBUTING.md says how to build and test it.
MACROS = [("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")]
if os.environ.get("CKMEANS_DEBUG_BOUNDS", "") not in ("", "0"):
    MACROS.append(("CKM_DEBUG_BOUNDS", "1"))

DIRECTIVES = dict(
    language_level=3,
    boundscheck=False,
    wraparound=False,
    cdivision=True,
    initializedcheck=False,
    embedsignature=True,
    freethreading_compatible=True,
)


def write(name, text):
    """A generated source in the build directory, left alone when it is up to date."""
    path = GENERATED / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return str(path)


# The files that a source includes: include "x.pxi", cdef extern from "x.h", #include "x.h", from
# ckmeans._native.x cimport y.
DRAWS_IN = re.compile(
    r"""^\s*(?:include|cdef\s+extern\s+from|\#\s*include)\s+["']([\w./]+)["']
      | ^\s*from\s+ckmeans\._native\.(\w+)\s+cimport""",
    re.MULTILINE | re.VERBOSE,
)


def drawn_in(source, seen=()):
    """The files of the sources that `source` includes, directly or through another: an edit of one
    of them rebuilds it.
    """
    found = set(seen)
    for included, cimported in DRAWS_IN.findall(Path(source).read_text(encoding="utf-8")):
        path = NATIVE / (included or f"{cimported}.pxd")
        if path.exists() and path not in found:
            found |= {path, *drawn_in(path, {*found, path})}
    return found


def extension(name, source, flags, depends, macros=()):
    return Extension(
        f"ckmeans._native.{name}",
        [source],
        include_dirs=[str(NATIVE), str(GENERATED), numpy.get_include()],
        extra_compile_args=OPTIMISE + flags,
        depends=sorted(map(str, depends)),
        define_macros=[*MACROS, *macros],
        libraries=[] if os.name == "nt" else ["m"],
    )


# What Cython's memoryviews need, compiled once instead of in every module that has any.
SHARED = "ckmeans._native._cyutility"


def kernel_sources():
    """Name -> Cython source, of all kernels."""
    one_line = 'include "kernels/{}.pxi"\n'.format
    sources = {
        "filter": one_line("filter/filter"),
        "swap": one_line("swap"),
        "one_dim": one_line("one_dim/one_dim"),
        "silhouette": one_line("silhouette"),
    }
    for dtype, real in ("f32", "float"), ("f64", "double"):
        sources[f"exact_{dtype}"] = f"ctypedef {real} real\n" + one_line("exact/exact")
    return {name: write(f"{name}.pyx", text) for name, text in sources.items()}


def translated(sources):
    """Name -> C, as Cython translates it."""
    made = cythonize(
        # The longest one first; Cython writes the shared source itself.
        [Extension(f"ckmeans._native.{name}", [source]) for name, source in sources.items()]
        + [Extension(SHARED, [str(NATIVE / "_cyutility.c")])],
        compiler_directives=DIRECTIVES,
        include_path=[str(NATIVE), "."],
        build_dir="build/cython",
        nthreads=os.cpu_count() or 1,
        shared_utility_qualified_name=SHARED,
    )
    return {each.name.rpartition(".")[2]: each.sources[0] for each in made}


def extensions():
    write(
        "build_info.h",
        "".join(
            f'#define CKM_{name} "{" ".join(words)}"\n'
            for name, words in (("INSTRUCTION_SETS", INSTRUCTION_SETS), ("FLAGS", OPTIMISE))
        ),
    )
    sources = {"engine": str(NATIVE / "engine.pyx"), **kernel_sources()}
    c = translated(sources)
    depends = {name: drawn_in(source) for name, source in sources.items()}

    def compiled(name, isa, flags, source=None, macros=()):
        """A kernel as a module for one instruction set."""
        source = source or name
        module = f"{name}_{isa}"
        include = Path(c[source]).resolve().as_posix()
        shim = f'#define PyInit_{source} PyInit_{module}\n#include "{include}"\n'
        return extension(
            module, write(f"{module}.c", shim), flags, {c[source], *depends[source]}, macros
        )

    # The longest one first.
    yield extension("engine", c["engine"], NO_CONTRACT, depends["engine"])
    yield Extension(SHARED, [c["_cyutility"]], extra_compile_args=[] if MSVC else ["-O1", "-g0"])
    for isa, flags in INSTRUCTION_SETS.items():
        yield compiled("filter", isa, flags + CONTRACT)
        if isa in FILTER_ONLY:
            continue
        flags = flags + NO_CONTRACT
        for name in "swap", "one_dim", "silhouette":
            yield compiled(name, isa, flags)
        for dtype in "f32", "f64":
            for metric, number in METRICS.items():
                yield compiled(
                    f"{metric}_{dtype}", isa, flags, f"exact_{dtype}", [("CKM_METRIC", str(number))]
                )


class BuildExt(build_ext):
    """Compiles on all cores."""

    def build_extensions(self):
        self.parallel = self.parallel or os.cpu_count()
        super().build_extensions()


def description():
    """The README, with links that lead somewhere on a package index, too."""
    text = Path("README.md").read_text(encoding="utf-8")
    version = re.search('__version__ = "(.*)"', Path(VERSION_FILE).read_text(encoding="utf-8"))[1]
    text = re.sub(r"\]\((?!https?://|#)", f"]({REPOSITORY}/blob/v{version}/", text)
    return re.sub(r'src="(?!https?://)', f'src="{REPOSITORY}/raw/v{version}/', text)


# Cython's own processes may import this file again.
if __name__ == "__main__":
    setup(
        long_description=description(),
        long_description_content_type="text/markdown",
        ext_modules=list(extensions()),
        cmdclass={"build_ext": BuildExt},
    )
