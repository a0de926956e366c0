"""A verdict as a person, a browser or a gradebook reads it. Everything that came from the learner is cleaned or escaped."""

from .export import to_gradescope, to_row, to_text
from .html import to_html
from .terminal import to_terminal

__all__ = ["to_gradescope", "to_html", "to_row", "to_terminal", "to_text"]
