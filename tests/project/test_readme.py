"""The README's examples, run as they stand."""

import doctest
import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def test_examples():
    blocks = re.findall(r"```python\n(>>>.*?)```", README.read_text(), re.S)
    assert blocks
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "README", str(README), 0)
    assert doctest.DocTestRunner().run(example).failed == 0
