"""Which names a piece of code uses that it does not define itself, by reading it."""

from __future__ import annotations

import ast
import builtins

BUILTINS = set(dir(builtins)) | {"__file__", "__name__"}


def free_names(code: str) -> set[str]:
    """Names that `code` reads anywhere, bodies included, and neither binds anywhere nor has from Python itself."""
    tree = ast.parse(code)
    read = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return read - bound_names(tree) - BUILTINS


def bound_names(tree: ast.AST) -> set[str]:
    """Every name that is assigned, imported, defined, caught or taken as an argument anywhere in the code."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound.add(node.rest)
    return bound


def module_names(code: str) -> set[str]:
    """The names that `code` binds at its top level."""
    bound: set[str] = set()
    for node in ast.parse(code).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        else:
            bound |= bound_names(node)
    return bound


class _DefinitionTime(ast.NodeVisitor):
    """Collects the names that are read when code is defined: decorators, defaults, annotations, bases; not bodies."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.used.add(node.id)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for part in [*node.decorator_list, node.args, *([node.returns] if node.returns else [])]:
            self.visit(part)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit(node.args)


def names_at_definition(code: str) -> set[str]:
    """The names that `code` reads while it is being run from top to bottom, without calling what it defines."""
    visitor = _DefinitionTime()
    visitor.visit(ast.parse(code))
    return visitor.used
