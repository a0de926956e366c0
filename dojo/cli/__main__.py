"""`python -m dojo.cli` is `dojo`, for where the command is not on the path."""

from dojo.cli import app

app(prog_name="dojo")
