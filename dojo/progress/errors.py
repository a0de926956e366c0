"""A database's complaints, said so that the owner of the database knows what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc
from sqlalchemy.engine import URL


class StoreError(Exception):
    """The progress database cannot be used. `str()` says why and what to do."""


@contextmanager
def told_plainly(url: URL) -> Iterator[None]:
    """Turns errors of the database and its driver into a StoreError."""
    try:
        yield
    except StoreError:
        raise
    except (exc.SQLAlchemyError, OSError) as error:
        raise StoreError(explain(url, error)) from error
    except Exception as error:
        # errors of the driver inside a connect hook arrive unwrapped
        if type(error).__module__.split(".")[0] in {"sqlite3", "psycopg"}:
            raise StoreError(explain(url, error)) from error
        raise


def explain(url: URL, error: Exception) -> str:
    said = str(getattr(error, "orig", None) or error).strip().split("\n")[0]
    if url.get_backend_name() != "sqlite":
        shown = url.render_as_string(hide_password=True)
        if isinstance(error, exc.OperationalError | exc.InterfaceError):
            return f"The progress database {shown} cannot be used: {said}. Check that it runs and DOJO_DATABASE_URL."
        return f"The progress database {shown} refused: {said}"
    file = url.database or ":memory:"
    low = said.lower()
    if "not a database" in low or "malformed" in low:
        return (
            f"The progress database {file} is damaged ({said}). Move it aside and start again: mv {file} {file}.damaged"
        )
    if "locked" in low or "busy" in low:
        return f"The progress database {file} is locked by another program. Close that, then try again."
    if "readonly" in low or "unable to open" in low or isinstance(error, PermissionError):
        return (
            f"The progress database {file} cannot be written. Check the permissions of the file and of its folder, "
            "or name another folder with DOJO_HOME."
        )
    if "full" in low:
        return f"The progress database {file} cannot grow: the disk is full. Make room, then try again."
    return f"The progress database {file} refused: {said}"
