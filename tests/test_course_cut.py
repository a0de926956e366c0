"""Stubs, solutions and given code cut from source text."""

import ast
import inspect
import textwrap
from pathlib import Path

import pytest

from dojo.course import CourseError, find_root
from dojo.course.cut import Source


def source(text: str) -> Source:
    return Source(textwrap.dedent(text).strip("\n"), "solutions/x.py")


def stub(text: str, name: str = "f") -> str:
    """The stub, which must be valid Python that is a definition of the same name."""
    cut = source(text).stub(name)
    assert ast.parse(cut).body[0].name == name
    return cut


def same(actual: str, expected: str) -> None:
    assert actual == textwrap.dedent(expected).strip("\n")


def test_body_is_cut_and_docstring_stays():
    text = '''
    def f(x,   y = 1):  # odd spacing stays
        """What it does.

        More: "quotes" and a colon.
        """
        # how it is done
        return x + y
    '''
    expected = '''
    def f(x,   y = 1):  # odd spacing stays
        """What it does.

        More: "quotes" and a colon.
        """
        raise NotImplementedError
    '''
    same(stub(text), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(x): return x", "def f(x):\n    raise NotImplementedError"),
        ("def f(x): return x  # why", "def f(x):\n    raise NotImplementedError"),
        ("def f(x): 'doc'; return x", "def f(x):\n    'doc'\n    raise NotImplementedError"),
        ("def f(x):\n    'doc'", "def f(x):\n    'doc'\n    raise NotImplementedError"),
        ("def f(x):\n    'doc'; return x", "def f(x):\n    'doc'\n    raise NotImplementedError"),
        ("def f(x):\n  return x", "def f(x):\n  raise NotImplementedError"),
        ("def f(x):\n\treturn x", "def f(x):\n\traise NotImplementedError"),
        ("def f(x):\n\n    return x", "def f(x):\n    raise NotImplementedError"),
        ("async def f(x):\n    return await x", "async def f(x):\n    raise NotImplementedError"),
        (
            "def f(x={1: 2}, g=lambda a: a):\n    return x",
            "def f(x={1: 2}, g=lambda a: a):\n    raise NotImplementedError",
        ),
        ("def f(x) -> dict[str, 'a:b']:\n    return x", "def f(x) -> dict[str, 'a:b']:\n    raise NotImplementedError"),
        ("def f(x):\n    f'not a docstring'\n    return x", "def f(x):\n    raise NotImplementedError"),
        ("def f(x):\n    'é'; return x", "def f(x):\n    'é'\n    raise NotImplementedError"),
        ("def f(x):\n    def g():\n        return x\n    return g", "def f(x):\n    raise NotImplementedError"),
    ],
)
def test_shapes_of_functions(text, expected):
    same(stub(text), expected)


def test_decorators_and_long_headers_stay():
    text = """
    @torch.no_grad()
    @other(
        1,
    )
    def f(
        x: Tensor,  # [batch, pos]
        y: Tensor,
    ) -> Tensor:
        return x
    """
    expected = """
    @torch.no_grad()
    @other(
        1,
    )
    def f(
        x: Tensor,  # [batch, pos]
        y: Tensor,
    ) -> Tensor:
        raise NotImplementedError
    """
    same(stub(text), expected)
    assert source(text).signature("f") == "def f(x: Tensor, y: Tensor) -> Tensor:"


def test_class_methods_are_cut_and_the_rest_stays():
    text = '''
    class f(Base):
        """A class."""

        count: int = 0  # a field

        def __init__(self):
            super().__init__()
            self.x = 1
            # the last comment of a body goes with the body

        @property
        def size(self): return self.x

        class Inner:
            def g(self):
                """Inner."""
                return 1

        names = ("a", "b")
    '''
    expected = '''
    class f(Base):
        """A class."""

        count: int = 0  # a field

        def __init__(self):
            raise NotImplementedError

        @property
        def size(self):
            raise NotImplementedError

        class Inner:
            def g(self):
                """Inner."""
                raise NotImplementedError

        names = ("a", "b")
    '''
    same(stub(text), expected)


def test_only_marked_lines_are_cut_where_there_are_markers():
    text = """
    class f:
        def __init__(self):
            self.x = 1

        def g(self, y):
            z = y + 1
            ### BEGIN SOLUTION
            z = z * self.x
            ### END SOLUTION
            return z

        def h(self):
            if self.x:
                ### BEGIN SOLUTION
                return 2
                ### END SOLUTION
    """
    expected = """
    class f:
        def __init__(self):
            self.x = 1

        def g(self, y):
            z = y + 1
            raise NotImplementedError
            return z

        def h(self):
            if self.x:
                raise NotImplementedError
    """
    same(stub(text), expected)
    solution = source(text).solution("f")
    assert "SOLUTION" not in solution and "z = z * self.x" in solution
    ast.parse(solution)


def test_a_closing_marker_at_the_very_end_and_what_follows():
    text = """
    def f(x):
        y = 1
        ### BEGIN SOLUTION
        return x + y
        ### END SOLUTION


    def g(): return 1
    """
    same(stub(text), "def f(x):\n    y = 1\n    raise NotImplementedError")
    assert "g" not in source(text).solution("f")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("def f():\n    ### BEGIN SOLUTION\n    return 1", 2, "without an END SOLUTION"),
        ("def f():\n    a = 1\n    ### END SOLUTION\n    return 1", 3, "without a BEGIN SOLUTION"),
        ("def f():\n  ### BEGIN SOLUTION\n  a = 1\n  ### BEGIN SOLUTION\n  return 1", 4, "second BEGIN"),
        ("class f:\n    x: int = 1", 1, "nothing for the learner to write"),
    ],
)
def test_marker_errors(text, line, words):
    with pytest.raises(CourseError, match=words) as caught:
        source(text).stub("f")
    assert str(caught.value).startswith(f"solutions/x.py:{line}: ")


def test_module_errors():
    with pytest.raises(CourseError, match=r"solutions/x.py:1: .*not valid Python"):
        source("def f(:")
    with pytest.raises(CourseError, match=r"solutions/x.py:3: 'f' is defined twice"):
        source("def f(): pass\n\ndef f(): pass")
    with pytest.raises(CourseError, match="did you mean 'fun'"):
        source("def fun(): pass").stub("fum")


def test_header_keeps_groups_of_imports():
    text = "'''Doc.'''\nimport math\nfrom a import (\n    b,\n)\n\nimport torch\nX = 1\nimport late"
    assert source(text).header == "import math\nfrom a import (\n    b,\n)\n\nimport torch\nimport late"


def test_odd_line_ends_inside_strings():
    text = 'A = "x\x0cy\u2028z"\n\n\ndef f(x):\n    """Doc\x0c."""\n    return x\n'
    assert source(text).stub("f") == 'def f(x):\n    """Doc\x0c."""\n    raise NotImplementedError'


def test_constants_can_be_given():
    text = "A, B = 1, 2\nC: dict = {\n    1: 2,\n}\n"
    assert source(text).given("B") == "A, B = 1, 2"
    assert source(text).given("C") == "C: dict = {\n    1: 2,\n}"


STANDARD = ["textwrap", "fractions", "dataclasses", "statistics", "argparse", "tokenize", "asyncio.tasks", "enum"]


@pytest.mark.parametrize("module", STANDARD)
def test_every_definition_of_real_modules(module):
    """On code that nobody wrote for us: stubs compile, keep the signature and docstring, and hold no body."""
    path = Path(inspect.getsourcefile(__import__(module, fromlist=["x"])))
    text = path.read_text()
    names = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    unique = [name for name in names if names.count(name) == 1]
    assert unique
    cut = Source.__new__(Source)
    cut.place, cut.lines, cut.tree = path, text.split("\n"), ast.parse(text)
    cut.statements = {node.name: node for node in cut.tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for name in unique:
        try:
            made = ast.parse(cut.stub(name)).body[0]
        except CourseError as error:
            assert "nothing for the learner" in str(error)
            continue
        original = cut.statements[name]
        assert ast.get_docstring(made) == ast.get_docstring(original)
        assert [d.__class__ for d in made.decorator_list] == [d.__class__ for d in original.decorator_list]
        for function in outermost(made):
            *doc, last = function.body
            assert ast.unparse(last) == "raise NotImplementedError"
            assert len(doc) == (ast.get_docstring(function) is not None)
        assert [ast.dump(f.args) for f in outermost(made)] == [ast.dump(f.args) for f in outermost(original)]


def outermost(node):
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node]
    return [function for child in ast.iter_child_nodes(node) for function in outermost(child)]


def test_the_root_of_this_checkout_is_found(monkeypatch):
    monkeypatch.delenv("DOJO_COURSE", raising=False)
    assert find_root() == Path(__file__).parent.parent
