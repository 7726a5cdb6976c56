# SPDX-License-Identifier: MIT OR Apache-2.0
"""One exception for each status of the library, under one base."""

from __future__ import annotations


class Error(Exception):
    """Base of all errors of this package. Its text is one sentence with the cause and the place.

    Attributes:
        place: the file, key, line or setting concerned, or "".
        advice: what to do, as a sentence.
        os_errno: errno of the system call that failed, or 0.
        engine_code: code of the engine underneath (LMDB's), or 0.
    """

    def __init__(
        self, message: str, place: str = "", advice: str = "", os_errno: int = 0, engine_code: int = 0
    ) -> None:
        super().__init__(message)
        self.place = place
        self.advice = advice
        self.os_errno = os_errno
        self.engine_code = engine_code

    def __str__(self) -> str:
        return str(self.args[0])


class MisuseError(Error):
    """The call itself is wrong: a finished transaction, options that exclude each other."""


class NoMemoryError(Error, MemoryError):
    """Memory could not be allocated; nothing changed."""


class NotFoundError(Error, KeyError):
    """No such journal, book, algorithm, file, or moment that is kept."""


class ExistsError(Error):
    """It is already there, and would have to be replaced."""


class BusyError(Error):
    """Another writer holds the journal, or all reader slots are taken."""


class FullError(Error):
    """No space left; nothing changed, try again when there is space."""


class ReadOnlyError(Error):
    """The journal was opened for reading, or the file system is read-only."""


class SystemIOError(Error):
    """The system refused a file operation (`os_errno`)."""


class CorruptError(Error):
    """Stored bytes are not what was written."""


class FormatNewerError(Error):
    """Written by a newer format version than this library reads."""


class LimitError(Error, ValueError):
    """A documented limit is exceeded."""


class ConflictError(Error):
    """The state is not what the caller expected."""


class ClosedError(Error):
    """The journal is closed, poisoned by a failure, or another process's."""


class UnavailableError(Error):
    """A server, an engine or the disk does not answer now; nothing was applied."""


class UnsupportedError(Error):
    """This build, engine, file system or kind of file is not supported."""


class InvalidError(Error, ValueError):
    """Malformed data from outside: JSON, a decimal, a name, a configuration."""


class InexactError(Error, ValueError):
    """The exact result needs more digits than a decimal holds."""


class UnknownError(Error):
    """The deadline passed: the commit may be durable now, or later."""


BY_STATUS: list[type[Error]] = [
    Error,
    MisuseError,
    NoMemoryError,
    NotFoundError,
    ExistsError,
    BusyError,
    FullError,
    ReadOnlyError,
    SystemIOError,
    CorruptError,
    FormatNewerError,
    LimitError,
    ConflictError,
    ClosedError,
    UnavailableError,
    UnsupportedError,
    InvalidError,
    InexactError,
    UnknownError,
]
