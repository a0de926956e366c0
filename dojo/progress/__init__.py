"""What learners have done: drafts, attempts, hints. `Store` is the whole interface."""

from .errors import StoreError
from .store import Answer, Attempt, Learner, Progress, Store, home

__all__ = ["Answer", "Attempt", "Learner", "Progress", "Store", "StoreError", "home"]
