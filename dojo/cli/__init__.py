"""The `dojo` command. One file for each group of commands; what a command needs is imported when it runs."""

from __future__ import annotations

import warnings

import typer

from . import author, check, cohort, doctor, learn, site, watch
from .common import SentenceGroup, root

# learners' regular expressions and LaTeX in docstrings are no business of whoever checks them
warnings.filterwarnings("ignore", category=SyntaxWarning)
warnings.filterwarnings("ignore", message="invalid escape sequence", category=DeprecationWarning)

app = typer.Typer(
    callback=root,
    cls=SentenceGroup,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""Learn mechanistic interpretability by graded exercises.

In the browser: `dojo serve`. In your own editor: `dojo start transformer_from_scratch`, then
`dojo watch transformer_from_scratch.py`.""",
    epilog="Exit codes: 0 passed or done, 1 not passed, 2 wrong use or a file that cannot be used, 130 stopped by Ctrl-C.",
)

for module in (site, learn, check, watch, cohort, author, doctor):
    module.add_to(app)
