"""Reads the YAML of directives and front matter as plain strings with line numbers, so that errors can point.

Every scalar stays the string that the author wrote (`text: no` is "no", `answer: 0.50` is "0.50"); what should be a
number is turned into one by the reader of that field.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from dojo.course.model import CourseError, did_you_mean


class Fields:
    """The fields of one directive; `line` is the line in the file of the YAML's first line."""

    def __init__(self, text: str, path: Path | str, line: int, what: str, allowed: Collection[str]):
        self.path, self.line, self.what = path, line, what
        self.lines: dict[str, int] = {}
        self.values: dict[str, Any] = {}
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            problem = getattr(error, "problem", None) or "it cannot be read"
            advice = (
                "use single quotes around LaTeX"
                if "escape" in problem
                else "put quotes around a value that holds ': ' or '#', or starts with one of [ { * & ! @ ` or a quote"
            )
            at = line + (mark.line if mark else 0)
            raise CourseError(f"the YAML of {what} is broken: {problem}; {advice}", path, at) from None
        if node is None:
            return
        if not isinstance(node, yaml.MappingNode):
            raise CourseError(f"{what} takes lines of the form 'key: value'", path, line + node.start_mark.line)
        for key_node, value_node in node.value:
            key = str(key_node.value)
            at = line + key_node.start_mark.line
            if key not in allowed:
                known = ", ".join(allowed)
                raise CourseError(
                    f"{what} has no option '{key}'{did_you_mean(key, allowed)}; its options are: {known}", path, at
                )
            if key in self.values:
                raise CourseError(f"'{key}' is set twice in {what}; keep one", path, at)
            self.lines[key] = at
            self.values[key] = self._plain(value_node, text)

    def error(self, message: str, key: str | None = None) -> CourseError:
        return CourseError(message, self.path, self.lines.get(key or "", self.line))

    def text(self, key: str, default: str | None = None) -> str:
        """A string; an error where it is missing and there is no default."""
        value = self._get(key, default)
        if not isinstance(value, str):
            raise self.error(f"'{key}' of {self.what} must be a line of text, not a list or mapping", key)
        return value.strip()

    def number(self, key: str, default: float | None = None) -> float:
        value = self._get(key, default)
        try:
            return float(value)
        except (TypeError, ValueError):
            raise self.error(f"'{key}' of {self.what} must be a number, not '{value}'", key) from None

    def whole(self, key: str, default: int | None = None, low: int = 1, high: int | None = None) -> int:
        value = self._get(key, default)
        number = int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else None
        if number is None or number < low or (high is not None and number > high):
            bounds = f"from {low} to {high}" if high is not None else f"of at least {low}"
            raise self.error(f"'{key}' of {self.what} must be a whole number {bounds}, not '{value}'", key)
        return number

    def names(self, key: str) -> tuple[str, ...]:
        """A YAML list of names, or names with commas between; nothing where it is missing."""
        value = self.values.get(key, [])
        if isinstance(value, str):
            value = split_names(value)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(f"'{key}' of {self.what} must be a list of names: [first, second]", key)
        return tuple(value)

    def rows(self, key: str, allowed: Collection[str]) -> list[dict[str, str]]:
        """A YAML list of mappings from the allowed keys to strings."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            raise self.error(f"'{key}' of {self.what} must be a list; start each entry with '- '", key)
        for item in value:
            if not isinstance(item, dict):
                raise self.error(f"each entry of '{key}' must have keys: {', '.join(allowed)}", key)
            for name, entry in item.items():
                if name not in allowed:
                    raise self.error(
                        f"an entry of '{key}' has no key '{name}'{did_you_mean(name, allowed)}; its keys are: "
                        f"{', '.join(allowed)} (put quotes around a text that holds ', ' or ': ')",
                        key,
                    )
                if not isinstance(entry, str):
                    raise self.error(f"'{name}' in '{key}' must be a text; put quotes around it", key)
        return value

    def _get(self, key: str, default: Any) -> Any:
        value = self.values.get(key, default)
        if value is None or value == "":
            if default is not None:
                return default
            raise self.error(f"{self.what} needs '{key}: ...'", key)
        return value

    def _plain(self, node: yaml.Node, text: str) -> Any:
        if isinstance(node, yaml.MappingNode):
            return {str(key.value): self._plain(value, text) for key, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, text) for item in node.value]
        raw = text[node.start_mark.index : node.end_mark.index]
        if getattr(node, "style", None) == '"' and (escape := re.search(r"(?<!\\)(?:\\\\)*\\([a-zA-Z]\w*)", raw)):
            raise CourseError(
                f"inside double quotes YAML reads '\\{escape[1]}' as an escape; use single quotes around LaTeX",
                self.path,
                self.line + node.start_mark.line,
            )
        return node.value


def split_names(text: str) -> list[str]:
    """`a, b` as ["a", "b"]."""
    return [name for name in text.replace(",", " ").split() if name]
