"""Formulas as MathML: browsers draw it by themselves, without a script from elsewhere."""

from docutils import nodes
from latex2mathml.converter import convert


def visit_math(self, node):
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def visit_displaymath(self, node):
    formula = convert(node.astext().strip(), display="block")
    self.body.append(f'<div class="formula">{formula}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    return {"parallel_read_safe": True}
