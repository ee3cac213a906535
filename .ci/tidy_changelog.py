"""Puts CHANGELOG.md into the form of Keep a Changelog after merges: python .ci/tidy_changelog.py

Of each version: a section of each kind, in order, each entry once (told by its first words), lines
of at most 100 columns. Sections that are not of a release count as unreleased.
"""

import re
import textwrap
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parents[1] / "CHANGELOG.md"
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
RELEASE = re.compile(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d")


def entries(lines):
    """kind -> entries, each in one line."""
    found, kind = {}, None
    for line in lines:
        if line.startswith("### "):
            kind = found.setdefault(line[4:].strip(), [])
        elif line.startswith("- "):
            kind.append(line[2:].strip())
        elif line.startswith("  "):
            kind[-1] += " " + line.strip()
    return found


def tidy(text):
    head, *sections = re.split(r"^## (?=\S)", text.partition("\n[Unreleased]: ")[0], flags=re.M)
    versions = {"[Unreleased]": {}}
    for section in sections:
        title, *lines = section.splitlines()
        kinds = versions.setdefault(title if RELEASE.fullmatch(title) else "[Unreleased]", {})
        for kind, found in entries(lines).items():
            kinds.setdefault(kind, []).extend(found)
    out = [head.rstrip(), ""]
    for title, kinds in versions.items():
        out += [f"## {title}", ""]
        unknown = set(kinds) - set(KINDS)
        if unknown:
            raise SystemExit(f"{title}: {', '.join(sorted(unknown))} is none of {', '.join(KINDS)}")
        seen = set()
        for kind in (kind for kind in KINDS if kinds.get(kind)):
            once = []
            for entry in kinds[kind]:
                key = re.sub(r"\W", "", entry)[:60]
                if key not in seen:
                    once.append(entry)
                seen.add(key)
            out += [f"### {kind}", ""]
            out += [
                textwrap.fill(
                    entry,
                    100,
                    initial_indent="- ",
                    subsequent_indent="  ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
                for entry in once
            ]
            out.append("")
    return "\n".join(out) + "\n[Unreleased]: " + text.partition("\n[Unreleased]: ")[2]


if __name__ == "__main__":
    CHANGELOG.write_text(tidy(CHANGELOG.read_text("utf-8")), "utf-8")
