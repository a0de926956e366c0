"""What a learner hands in, made into chunks of Python that the worker can run.

Editor text and .py files are one chunk each; a notebook is one chunk a cell, less what only displays.
The text is parsed here but never run, and the files may be hostile: every way of being unreadable
ends as a sentence in `Submission.problem`, never as an exception. Standard library only.
"""

from __future__ import annotations

import ast
import errno
import json
import os
import re
import stat
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MAX_TEXT = 1_000_000  # characters of Python in one file or editor; a long course module has 50 thousand
MAX_NOTEBOOK = 20_000_000  # bytes; outputs with pictures take most of it
MAX_CELLS = 2_000
MAX_NODES = 1_000_000  # opening brackets in the JSON: 20 MB of "[[],[]," would grow thirtyfold in memory
MAX_NOTES = 20
PASSED_OVER_ROLES = {"demo", "check", "predict", "prose"}
RUNS_AS_PYTHON = {"%%time", "%%capture"}  # cell magics that run the rest of the cell in the notebook's namespace

MAGIC = re.compile(r"""^\s*(?:[%!?]|[\w.,\s]+=\s*[%!]|[^\s#'"][^#'"]*\?\??\s*$)""")


@dataclass(frozen=True)
class Chunk:
    """A piece of the learner's source. `name` is what messages call it, `line` is the line at which it starts."""

    name: str  # "cell 7", "mine.py", "editor"
    source: str
    line: int = 1


@dataclass
class Submission:
    """`problem` is set when the whole of it cannot be used, and says why and what to do."""

    chunks: list[Chunk] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: str | None = None


def from_text(text: str, name: str = "editor") -> Submission:
    """One chunk of Python source, as typed in an editor or read from a .py file."""
    name, text = _clean(name), _normalise(text)
    if len(text) > MAX_TEXT:
        return _unusable(f"{name} has {len(text):,} characters and the limit is {MAX_TEXT:,}: hand in only the code.")
    tree, fault = _parse(text)
    if tree is None:
        assert fault is not None
        return _unusable(f"{name} is not valid Python yet. {fault.sentence()}{fault.picture(text)}")
    # a notebook saved as .py ends up with these calls, and they mean nothing to the judge
    kept = [node for node in tree.body if not _is_call_of(node, {"get_ipython", "check"})]
    source = text if len(kept) == len(tree.body) else _keep_only(text, tree, kept)
    notes = _duplicates([(name, node) for node in tree.body], where=lambda chunk, line: f"line {line}")
    return Submission([Chunk(name, source)], notes)


def from_path(path: str | os.PathLike[str]) -> Submission:
    """Reads a .py or .ipynb file. Whatever is wrong with the file is told in `problem`."""
    path = Path(path)
    name = _clean(path.name or str(path))
    try:
        if path.is_dir():
            return _unusable(f"{name} is a folder: name a .py or .ipynb file in it.")
        kind = path.suffix.lower()
        if kind not in {".py", ".ipynb"}:
            return _unusable(f"{name} is neither a .py nor an .ipynb file: hand in one of these.")
        limit = MAX_NOTEBOOK if kind == ".ipynb" else 4 * MAX_TEXT
        data = _read(path, limit)
    except (OSError, ValueError) as error:
        return _unusable(_why_unreadable(name, error))
    if len(data) > limit:
        return _unusable(
            f"{name} is larger than {limit // 1_000_000} MB"
            + (": clear its outputs and save it again." if kind == ".ipynb" else ": hand in only the code.")
        )
    try:
        text = _decode(data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _unusable(
            f"{name} is not UTF-8 text (line {line} has the byte 0x{data[error.start]:02x}): "
            "save it with the encoding UTF-8 and hand it in again."
        )
    return _from_notebook(text, name) if kind == ".ipynb" else from_text(text, name)


def _unusable(why: str) -> Submission:
    return Submission(problem=_encodable(why))


# --- notebooks -----------------------------------------------------------------------------------------------


def _from_notebook(text: str, name: str) -> Submission:
    if text.count("[") + text.count("{") > MAX_NODES:
        return _unusable(f"{name} holds too much data to be a notebook: clear its outputs and save it again.")
    try:
        notebook = json.loads(text)
    except RecursionError:
        return _unusable(f"{name} is nested too deeply to be a notebook: download it again from Jupyter.")
    except ValueError as error:
        if not text.strip():
            return _unusable(f"{name} is empty: save the notebook in Jupyter and hand it in again.")
        place = f" (line {error.lineno}: {error.msg})" if isinstance(error, json.JSONDecodeError) else ""
        return _unusable(f"{name} is damaged: it is not valid JSON{place}. Save it again in Jupyter.")
    problem = _why_not_a_notebook(notebook, name)
    if problem:
        return _unusable(problem)

    result = Submission()
    defined: list[tuple[str, ast.stmt]] = []
    size = 0
    for number, cell in enumerate(notebook["cells"], start=1):
        where = f"cell {number}"
        source = _cell_source(cell)
        if source is None:
            result.notes.append(f"{where} is damaged (it holds no text) and was passed over")
            continue
        size += len(source)
        if size > MAX_TEXT:
            return _unusable(f"{name} has more than {MAX_TEXT:,} characters of code: hand in only the exercises.")
        code, nodes, note = _code_of_cell(source, where, _imports_more if _role(cell) == "setup" else _defines)
        if note:
            result.notes.append(note)
        if code:
            result.chunks.append(Chunk(where, code))
            defined += [(where, node) for node in nodes]
    result.notes += _duplicates(defined, where=lambda chunk, line: chunk)
    if len(result.notes) > MAX_NOTES:
        more = len(result.notes) - MAX_NOTES
        result.notes[MAX_NOTES:] = [f"and {more} more remarks of this kind"]
    return result


def _why_not_a_notebook(notebook: object, name: str) -> str | None:
    if not isinstance(notebook, dict):
        return f"{name} is JSON but not a notebook: save the notebook in Jupyter and hand that in."
    version = notebook.get("nbformat")
    if isinstance(version, int) and version < 4:
        return f"{name} is in the old notebook format {version}: open it in Jupyter and save it again (format 4)."
    cells = notebook.get("cells")
    if not isinstance(version, int) or not isinstance(cells, list):
        missing = "`cells`" if isinstance(version, int) else "`nbformat`"
        return (
            f"{name} is JSON but not a notebook (it has no {missing}): save the notebook in Jupyter and hand that in."
        )
    if version > 4:
        return f"{name} is in notebook format {_clean(str(version))[:20]}: save it as format 4 and hand it in again."
    if len(cells) > MAX_CELLS:
        return f"{name} has {len(cells):,} cells and the limit is {MAX_CELLS:,}: hand in only the exercises."
    metadata = notebook.get("metadata")
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    language = info.get("name") if isinstance(info, dict) else None
    if isinstance(language, str) and language.lower() not in {"python", "ipython", "python3", ""}:
        return f"{name} is a notebook in {_clean(language)[:40]}: the exercises are in Python."
    return None


def _cell_source(cell: object) -> str | None:
    """The text of a code cell, "" for a cell that is not submitted, None for a damaged one."""
    if not isinstance(cell, dict):
        return None
    if cell.get("cell_type") != "code":
        return "" if isinstance(cell.get("cell_type"), str) else None
    if _role(cell) in PASSED_OVER_ROLES:
        return ""
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    return source if isinstance(source, str) else None


def _role(cell: dict) -> str:
    """The part that we gave a cell of our own notebooks, "" for any other."""
    metadata = cell.get("metadata")
    ours = metadata.get("dojo") if isinstance(metadata, dict) else None
    role = ours.get("role") if isinstance(ours, dict) else None
    return role if isinstance(role, str) else ""


def _code_of_cell(source: str, where: str, wanted: Callable[[ast.stmt], bool]) -> tuple[str, list[ast.stmt], str]:
    """What a cell defines (line numbers kept), its statements, and a note where something was passed over."""
    source = textwrap.dedent(_normalise(source))
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return "", [], ""
    if lines[first].startswith("%%"):
        magic = lines[first].split()[0]
        if magic not in RUNS_AS_PYTHON:
            defines = re.search(r"^\s*(def|class)\s", source, re.MULTILINE)
            return "", [], f"{where} starts with {_clean(magic)[:40]} and was passed over" if defines else ""
        lines[first] = ""
        source = "\n".join(lines)
    tree, fault, source = _parse_without_magics(source)
    if tree is None:
        assert fault is not None
        return "", [], f"{where} does not parse: line {fault.line}: {fault.words}"
    kept = [node for node in tree.body if wanted(node)]
    return (_keep_only(source, tree, kept), kept, "") if kept else ("", [], "")


def _parse_without_magics(source: str) -> tuple[ast.Module | None, Fault | None, str]:
    """Parses; where the parser stumbles over a line that is a magic, that line becomes `pass`, and so on.

    Going by the parser's own complaint, and not by how a line looks, leaves strings and `% n` on a
    continued line alone.
    """
    for _ in range(100):
        tree, fault = _parse(source)
        lines = source.split("\n")
        if fault is None or not 0 < fault.line <= len(lines):
            break
        first = last = fault.line - 1
        while first > 0 and lines[first - 1].endswith("\\"):  # a shell command over several lines
            first -= 1
        if not MAGIC.match(lines[first]):
            break
        while lines[last].endswith("\\") and last + 1 < len(lines):
            last += 1
        indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
        lines[first : last + 1] = [indent + "pass"] + [""] * (last - first)
        source = "\n".join(lines)
    return tree, fault, source


def _defines(node: ast.stmt) -> bool:
    """Whether a top-level statement of a cell is kept: displays, asserts and loops that only compute are not."""
    match node:
        case ast.Expr() | ast.Assert() | ast.Pass() | ast.Raise():
            return False
        case ast.For() | ast.While() | ast.AsyncFor():
            wanted: tuple[type, ...] = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
        case ast.If() | ast.Try() | ast.With() | ast.AsyncWith() | ast.Match() | ast.TryStar():
            wanted = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)
        case _:
            return True
    return any(isinstance(inner, wanted) for inner in ast.walk(node))


def _imports_more(node: ast.stmt) -> bool:
    """Whether a statement of a setup cell is kept: imports are, less those of the course itself."""
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] != "dojo"
    return isinstance(node, ast.Import)


# --- source text ---------------------------------------------------------------------------------------------


def _keep_only(source: str, tree: ast.Module, kept: list[ast.stmt]) -> str:
    """The source with every top-level statement that is not kept replaced by `pass`; line numbers stay."""
    lines = [line.encode() for line in source.split("\n")]  # the parser counts columns in bytes
    keep = set(map(id, kept))
    for node in reversed(tree.body):
        if id(node) in keep:
            continue
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        before, after = lines[first][: node.col_offset], lines[last][node.end_col_offset :]
        blank = [b""] * (last - first)
        lines[first : last + 1] = [before + b"pass" + after] if not blank else [before, *blank[1:], b"pass" + after]
    return b"\n".join(lines).decode()


def _is_call_of(node: ast.stmt, names: set[str]) -> bool:
    """Whether a statement is a bare call of one of the names, or of a method of what it returns."""
    inner: ast.AST = node.value if isinstance(node, ast.Expr) else node
    while isinstance(inner, ast.Call | ast.Attribute):
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
    return isinstance(node, ast.Expr) and isinstance(inner, ast.Name) and inner.id in names


def _duplicates(defined: list[tuple[str, ast.stmt]], *, where: Callable[[str, int], str]) -> list[str]:
    """A note for each function or class that is defined more than once."""
    places: dict[str, list[tuple[str, int]]] = {}
    for chunk, node in defined:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not _is_overload(node):
            places.setdefault(node.name, []).append((chunk, node.lineno))
    notes = []
    for name, found in places.items():
        if len(found) < 2:
            continue
        times = "twice" if len(found) == 2 else f"{len(found)} times"
        labels = list(dict.fromkeys(where(chunk, line) for chunk, line in found))
        kind, numbers = labels[0].split()[0], [label.split()[1] for label in labels]
        if len(numbers) > 6:
            numbers = [*numbers[:5], "…", numbers[-1]]
        listed = f"{kind} {numbers[0]}" if len(numbers) == 1 else f"{kind}s {', '.join(numbers[:-1])} and {numbers[-1]}"
        notes.append(f"`{_clean(name)[:80]}` is defined {times} ({listed}); the last one counts")
    return notes[:MAX_NOTES]


def _is_overload(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    names = [getattr(decorator, "attr", getattr(decorator, "id", "")) for decorator in node.decorator_list]
    return "overload" in names


# --- syntax errors -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """Why a text does not parse, in words for a beginner."""

    line: int
    column: int  # counted from 1; 0 where the parser did not say
    words: str

    def sentence(self) -> str:
        stop = "" if self.words.endswith("?") else "."
        return f"Line {self.line}: {self.words}{stop}" if self.line else self.words[:1].upper() + self.words[1:] + stop

    def picture(self, source: str, width: int = 100) -> str:
        """The line and, under it, a caret; only the part around the caret of a very long line."""
        lines = source.split("\n")
        if not 0 < self.line <= len(lines):
            return ""
        line = lines[self.line - 1].rstrip()
        column = min(max(self.column - 1, 0), len(line))
        start = max(0, column - width // 2) if len(line) > width else 0
        shown = _clean(line[start : start + width].replace("\t", " "))
        shown, column = ("…" + shown if start else shown), column - start + (start > 0)
        indent = len(shown) - len(shown.lstrip()) if not start else 0
        return f"\n\n    {shown[indent:]}\n    {' ' * max(column - indent, 0)}^"


def _parse(source: str) -> tuple[ast.Module | None, Fault | None]:
    """Parses and compiles (a stray `return` is found only by compiling). Nothing is run."""
    if "\0" in source:
        line = source.count("\n", 0, source.index("\0")) + 1
        return None, Fault(
            line, 0, "there is a null byte here, so this is not a text file: save it again as plain text"
        )
    try:
        tree = ast.parse(source)
        compile(source, "<submission>", "exec", dont_inherit=True)
        return tree, None
    except SyntaxError as error:
        return None, _explain(error, source)
    except (RecursionError, MemoryError):
        return None, Fault(0, 0, "the code is nested too deeply to be read")
    except (ValueError, OverflowError) as error:
        return None, Fault(0, 0, f"Python cannot read it ({_clean(str(error))[:200]})")


PLAIN_WORDS: list[tuple[str, str]] = [
    (r"^'(.)' was never closed", r"'\1' was never closed"),
    (r"^unmatched '(.)'", r"this '\1' closes a bracket that was never opened"),
    (
        r"^closing parenthesis '(.)' does not match opening parenthesis '(.)'(.*)",
        r"'\1' cannot close the bracket '\2'\3",
    ),
    (r"^expected ':'", "a colon ':' is missing here"),
    (
        r"^expected an indented block after (.*) on line (\d+)",
        r"the \1 on line \2 has no body: the lines that belong to it must be indented by four spaces",
    ),
    (r"^expected an indented block", "the lines after the one with the colon must be indented by four spaces"),
    (r"^unexpected indent", "this line is indented further than the line above it, and nothing there asks for that"),
    (r"^unindent does not match", "the indentation of this line matches none of the lines above"),
    (
        r"^inconsistent use of tabs",
        "this line mixes tabs and spaces in its indentation: use four spaces for each level",
    ),
    (r"^unterminated triple-quoted string", "a triple quote that opens here is never closed"),
    (r"^unterminated (f-)?string literal", "a quote that opens on this line is not closed on it"),
    (r"^EOL while scanning", "a quote that opens on this line is not closed on it"),
    (
        r"^invalid non-printable character (U\+\w+)",
        r"there is an invisible character here (\1, often pasted from a web page): delete it and type a space",
    ),
    (
        r"^invalid character '([“”‘’„])'.*",
        r"\1 is a typographic quote (often pasted from a document): use ' or " + '"',
    ),
    (r"^'(return|yield|await|break|continue)' outside (.*)", r"'\1' stands outside a \2: is the line indented enough?"),
    (
        r"^invalid syntax$",
        "Python cannot read this: look at the caret and just before it, also at the end of the line above",
    ),
    (r"^unexpected EOF", "the text ends too early: a bracket, a quote or the body of a function is missing"),
]


def _explain(error: SyntaxError, source: str) -> Fault:
    message = _clean(str(error.msg or "invalid syntax"))[:300]
    for pattern, plain in PLAIN_WORDS:
        if re.search(pattern, message):
            message = re.sub(pattern + r"(?:.*)$", plain, message, count=1, flags=re.DOTALL)
            break
    return Fault(error.lineno or 0, error.offset or 0, message)


# --- files and text ------------------------------------------------------------------------------------------


def _read(path: Path, limit: int) -> bytes:
    """At most limit + 1 bytes of a regular file. Without blocking: a pipe named mine.py must not hang the judge."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return file.read(limit + 1)


def _why_unreadable(name: str, error: OSError | ValueError) -> str:
    match getattr(error, "errno", None):
        case errno.ENOENT | errno.ENOTDIR:
            return f"There is no file {name}: check its name and folder."
        case errno.EACCES | errno.EPERM:
            return f"{name} cannot be read: permission is denied. Check who owns it (`ls -l`)."
        case errno.ELOOP:
            return f"{name} is a symbolic link that leads back to itself: hand in the file it should point to."
        case errno.EINVAL if isinstance(error, OSError):
            return f"{name} is not an ordinary file: hand in a .py or .ipynb file."
        case errno.ENAMETOOLONG:
            return f"The name {name[:40]}… is too long for a file: rename it."
        case _:
            return f"{name[:200]} cannot be read: {_clean(str(error))[:200]}."


def _decode(data: bytes) -> str:
    """UTF-8, with or without a byte order mark; UTF-16 where its mark says so (Windows editors write it)."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16")
    return data.decode("utf-8-sig")


def _normalise(text: str) -> str:
    """One kind of line end, no byte order mark, nothing that cannot be written as UTF-8."""
    return _encodable(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))


def _clean(text: str) -> str:
    """For quoting in a message: control characters would let a file name or a line of code act on a terminal."""
    return _encodable("".join(c if c.isprintable() else "�" for c in text))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
