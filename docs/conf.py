"""How Sphinx builds the site: ``docs/build``."""

import sys
from pathlib import Path

import ckmeans

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "_ext")]  # bench, and our own extension

project = "ckmeans"
author = "The ckmeans developers"
copyright = author
version = release = ckmeans.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "release_benchmarks",
]
exclude_patterns = ["_build", "examples", "**/README.md"]
templates_path = ["_templates"]
default_role = "py:obj"
nitpicky = False
suppress_warnings = [
    "config.cache",  # functions among the settings below
    "myst.xref_missing",  # links of ARCHITECTURE.md and CONTRIBUTING.md into the sources
]

# --- texts ----------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist", "substitution"]
myst_heading_anchors = 3
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

html_math_renderer = "mathml"

# --- reference ------------------------------------------------------------------------------------

autosummary_generate = True
autosummary_filename_map = {
    "ckmeans.Match": "ckmeans.Match-class"
}  # there is a function match, too
autodoc_typehints = "none"  # the docstrings say more
autodoc_member_order = "bysource"
autoclass_content = "class"
numpydoc_show_class_members = False  # our template lists the methods
numpydoc_xref_param_type = False

# Links to the pages of others are made where their indexes can be read; a build without network
# has none, and no warning.
intersphinx_mapping = {}
if "offline" not in tags:  # noqa: F821 (Sphinx defines it)
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

# --- gallery --------------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("ckmeans",),
    "reference_url": {"ckmeans": None},
    "matplotlib_animations": True,
    "ignore_repr_types": r"matplotlib\..*",
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "abort_on_example_error": False,
    "only_warn_on_example_error": False,
}

# --- look -----------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "ckmeans"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_theme_options = {
    "logo": {
        "text": "ckmeans",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
    },
    "github_url": "https://github.com/ckmeans/ckmeans",
    "navbar_persistent": ["search-button"],
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 5,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"start": [], "compare": [], "changelog": [], "benchmarks": []}

# --- links ----------------------------------------------------------------------------------------

linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_anchors = False
linkcheck_ignore = [r"https://doi\.org/.*"]  # publishers answer programs with 403
