"""Course content: reads a folder that has chapters/, solutions/ and graders/ into plain objects."""

from dojo.course.glossary import links, replace_links
from dojo.course.load import find_root, load_course
from dojo.course.model import (
    Block,
    Chapter,
    Course,
    CourseError,
    Demo,
    Exercise,
    ExerciseBlock,
    Given,
    Limits,
    Option,
    Predict,
    Prose,
    Term,
    WrongNumber,
)
from dojo.course.module import module_parts, module_source, needs_closure, starter_file
from dojo.course.predict import feedback

__all__ = [
    "Block",
    "Chapter",
    "Course",
    "CourseError",
    "Demo",
    "Exercise",
    "ExerciseBlock",
    "Given",
    "Limits",
    "Option",
    "Predict",
    "Prose",
    "Term",
    "WrongNumber",
    "feedback",
    "find_root",
    "links",
    "load_course",
    "module_parts",
    "module_source",
    "needs_closure",
    "replace_links",
    "starter_file",
]
