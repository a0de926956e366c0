"""The glossary: `## Term` headings in chapters/glossary.md, and what in a text is a `[[term]]` link or a picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from dojo.course.model import CourseError, Term

# A link, or something in which brackets are not links: fenced code, inline code, display and inline maths.
LINK = re.compile(
    r"(?P<skip>^(?P<fence>`{3,}|~{3,}).*?^(?P=fence)|(?P<tick>`+).+?(?P=tick)|\$\$.+?\$\$|\$[^$\n]+\$)"
    r"|\[\[(?P<term>[^\W\d_][^\[\]|\n]*)(?:\|(?P<shown>[^\[\]\n]+))?\]\]",
    re.DOTALL | re.MULTILINE,
)
IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\((?P<target>[^)\s]+)[^)]*\)")


def read_glossary(root: Path) -> dict[str, Term]:
    """The terms by their name in lower case; empty where the course has no glossary."""
    place = Path("chapters") / "glossary.md"
    if not (root / place).exists():
        return {}
    terms: dict[str, Term] = {}
    name, line, text = "", 0, []

    def finish() -> None:
        if not name:
            return
        if not "\n".join(text).strip():
            raise CourseError(f"the term '{name}' has no text; write its meaning below the heading", place, line)
        if name.lower() in terms:
            raise CourseError(
                f"the term '{name}' is already on line {terms[name.lower()].line}; join them", place, line
            )
        terms[name.lower()] = Term(name, "\n".join(text).strip(), line)

    for number, content in enumerate((root / place).read_text(encoding="utf-8").splitlines(), 1):
        if content.startswith("## "):
            finish()
            name, line, text = content[3:].strip(), number, []
        else:
            text.append(content)
    finish()
    return terms


def links(text: str) -> Iterator[tuple[str, int]]:
    """Each linked term in a markdown text, with its line in the text (from 0)."""
    for match in LINK.finditer(text):
        if match["term"]:
            yield match["term"].strip(), text.count("\n", 0, match.start())


def replace_links(text: str, render: Callable[[str, str], str]) -> str:
    """The text with each `[[term]]` or `[[term|shown]]` replaced by `render(term, shown)`."""

    def one(match: re.Match[str]) -> str:
        if not match["term"]:
            return match[0]
        return render(match["term"].strip(), (match["shown"] or match["term"]).strip())

    return LINK.sub(one, text)
