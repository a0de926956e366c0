"""What all sessions of the site share: the course, the store, the grader and the jobs. Made once a process."""

from __future__ import annotations

import atexit
import os
import threading
from functools import cache

from dojo.course import Course, load_course
from dojo.progress import Store
from ui.jobs import Jobs

_lock = threading.RLock()


def cohort() -> bool:
    """Whether this site serves several people, each under a link of their own."""
    return os.environ.get("DOJO_COHORT", "") not in ("", "0")


def course() -> Course:
    with _lock:
        return _course()


def store() -> Store:
    with _lock:
        return _store()


def jobs() -> Jobs:
    with _lock:
        return _jobs()


@cache
def _course() -> Course:
    return load_course()


@cache
def _store() -> Store:
    return Store()


@cache
def _jobs() -> Jobs:
    made = Jobs(_course(), _store())
    atexit.register(made.close)
    return made
