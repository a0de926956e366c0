"""Cuts stubs, solutions and given code out of the source text of a solutions module, so that formatting stays.

1. `ast` finds where each top-level definition stands, decorators included.
2. Where the source has `### BEGIN SOLUTION` ... `### END SOLUTION`, only the marked lines become
   `raise NotImplementedError`; all the rest of that definition is given (nbgrader's convention).
3. Else every function body in it is cut: what stands before the colon and the docstring stay.
4. The solution is the same source without the marker lines.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

from dojo.course.model import CourseError, did_you_mean

BEGIN = re.compile(r"^\s*#+\s*BEGIN SOLUTION\s*$", re.IGNORECASE)
END = re.compile(r"^\s*#+\s*END SOLUTION\s*$", re.IGNORECASE)
RAISE = "raise NotImplementedError"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


class Source:
    """The text of one solutions module. `place` is how error messages name the file."""

    def __init__(self, text: str, place: Path | str):
        self.place = place
        self.lines = text.split("\n")  # as ast counts them: splitlines() would also split at form feeds
        try:
            self.tree = ast.parse(text)
        except SyntaxError as error:
            raise CourseError(f"this is not valid Python: {error.msg}; mend it", place, error.lineno) from None
        self.statements: dict[str, ast.stmt] = {}
        for node in self.tree.body:
            for name in _names_bound(node):
                if name in self.statements and isinstance(node, Definition):
                    raise CourseError(f"'{name}' is defined twice; keep one", place, node.lineno)
                self.statements[name] = node

    @property
    def header(self) -> str:
        """The module's import statements, which are also the first lines of the learner's module."""
        imports = [node for node in self.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        text, last = "", 0
        for node in imports:
            grouped = last and not self.lines[node.lineno - 2].strip()  # an empty line between groups stays
            text += ("\n\n" if grouped else "\n") + self._text(node)
            last = node.end_lineno or node.lineno
        return text.strip("\n")

    def given(self, name: str) -> str:
        """The source of a top-level function, class or constant; KeyError where there is none."""
        return self._text(self.statements[name])

    def definition(self, name: str) -> Definition | None:
        """The top-level function or class of that name."""
        node = self.statements.get(name)
        return node if isinstance(node, Definition) else None

    def solution(self, name: str) -> str:
        """The reference's source, without marker lines."""
        lines = self._text(self.statements[name]).split("\n")
        return "\n".join(line for line in lines if not BEGIN.match(line) and not END.match(line))

    def stub(self, name: str) -> str:
        """The source of `name` with what the learner has to write replaced by `raise NotImplementedError`."""
        node = self.definition(name)
        if node is None:
            raise CourseError(
                f"there is no function or class '{name}'{did_you_mean(name, self.statements)}", self.place
            )
        first, last = _first_line(node), node.end_lineno or node.lineno
        regions = self._marked(first, last)
        edits = [self._mark_edit(*region) for region in regions] or [self._body_edit(f) for f in _functions(node)]
        if not edits:
            raise CourseError(
                f"'{name}' has nothing for the learner to write: it holds no function and no marked lines; "
                "put '### BEGIN SOLUTION' and '### END SOLUTION' around the lines to cut",
                self.place,
                node.lineno,
            )
        lines, at = [], first
        for start, stop, replacement in edits:
            lines += self.lines[at - 1 : start - 1] + replacement
            at = stop + 1
        return "\n".join(lines + self.lines[at - 1 : last])

    def signature(self, name: str) -> str:
        """The `def` or `class` line in one line, without decorators."""
        node = self.definition(name)
        assert node is not None
        line, column = self._header_end(node)
        header = [*self.lines[node.lineno - 1 : line - 1], self.lines[line - 1][:column]]
        joined = " ".join(part.split("  #")[0].strip() for part in header)
        return joined.replace("( ", "(").replace(", )", ")").replace(",)", ")")

    def _text(self, node: ast.stmt) -> str:
        return "\n".join(self.lines[_first_line(node) - 1 : node.end_lineno])

    def _marked(self, first: int, last: int) -> list[tuple[int, int]]:
        """The lines (from, to) of the marked regions, marker lines included."""
        regions, begin = [], None
        for number in range(first, last + 1):
            line = self.lines[number - 1]
            if BEGIN.match(line):
                if begin is not None:
                    raise CourseError("a second BEGIN SOLUTION before END SOLUTION", self.place, number)
                begin = number
            elif END.match(line):
                if begin is None:
                    raise CourseError("END SOLUTION without a BEGIN SOLUTION before it", self.place, number)
                regions.append((begin, number))
                begin = None
        # A closing marker after the last statement is a comment, which ast does not count as part of the definition.
        if begin is not None:
            for number in range(last + 1, len(self.lines) + 1):
                line = self.lines[number - 1]
                if END.match(line):
                    return [*regions, (begin, number)]
                if line.strip() and not line.lstrip().startswith("#"):
                    break
            raise CourseError("BEGIN SOLUTION without an END SOLUTION after it; add one", self.place, begin)
        return regions

    def _mark_edit(self, begin: int, end: int) -> tuple[int, int, list[str]]:
        return begin, end, [_indent(self.lines[begin - 1]) + RAISE]

    def _body_edit(self, node: Function) -> tuple[int, int, list[str]]:
        """Which lines of a function to replace by what: all of its body but the docstring."""
        line, column = self._header_end(node)
        body = node.body[0]
        own_line = body.lineno > line
        indent = _indent(self.lines[body.lineno - 1]) if own_line else _indent(self.lines[node.lineno - 1]) + " " * 4
        header = self._kept(line, column)
        if ast.get_docstring(node, clean=False) is None:
            return line, self._body_end(node), [header, indent + RAISE]
        assert body.end_lineno is not None and body.end_col_offset is not None
        last = self._kept(
            body.end_lineno, len(self.lines[body.end_lineno - 1].encode()[: body.end_col_offset].decode())
        )
        if own_line:
            return body.end_lineno, self._body_end(node), [last, indent + RAISE]
        docstring = [*self.lines[line - 1 : body.end_lineno - 1], last]
        docstring[0] = indent + docstring[0][column:].lstrip()  # from behind the colon to a line of its own
        return line, self._body_end(node), [header, *docstring, indent + RAISE]

    def _kept(self, line: int, column: int) -> str:
        """A line without the code that follows `column`; a comment may stay."""
        text = self.lines[line - 1]
        rest = text[column:].strip()
        return text[:column] if rest and not rest.startswith("#") else text

    def _body_end(self, node: Function) -> int:
        """The last line of a function, with the comments after its last statement that are indented into its body."""
        last = end = node.end_lineno or node.lineno
        for number in range(end + 1, len(self.lines) + 1):
            text = self.lines[number - 1]
            inside = len(text) - len(text.lstrip()) > node.col_offset
            if text.strip() and not (inside and text.lstrip().startswith("#")):
                break
            last = number if text.strip() else last
        return last

    def _header_end(self, node: Definition) -> tuple[int, int]:
        """Line (from 1) and column just after the colon that ends a `def` or `class` header."""
        depth = 0
        text = "\n".join(self.lines[node.lineno - 1 :])
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
                if token.string == ":" and depth == 0:
                    return node.lineno + token.end[0] - 1, token.end[1]
        raise AssertionError("ast accepted a definition without a colon")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _functions(node: ast.AST) -> list[Function]:
    """The outermost functions in a definition, in order: itself, or a class's methods, nested classes included."""
    if isinstance(node, Function):
        return [node]
    return [function for child in ast.iter_child_nodes(node) for function in _functions(child)]


def _names_bound(node: ast.stmt) -> list[str]:
    if isinstance(node, Definition):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
