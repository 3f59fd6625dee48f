"""No address, no telephone number and no row of a database stands in a log, whoever writes it: ourselves, or a library
that tells what a server answered."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from typing import Any, Final

from schemas.masking import masked

# What Postgres adds to an error: rows and values.
_ADDED: Final = re.compile(r"^(?:DETAIL|CONTEXT): .*\n?", re.MULTILINE)


def mask_logs() -> None:
    """From now on, in this process, also what it ends with. Harmless to call again."""
    make = logging.getLogRecordFactory()
    if not isinstance(make, _Masking):
        logging.setLogRecordFactory(_Masking(make))
    sys.excepthook = lambda _, error, __: say_end(error)


def say_end(error: BaseException) -> None:
    """Say by what a process ends, and where that was raised: standard error is its log."""
    print(_masked("".join(traceback.format_exception(error))), end="", file=sys.stderr)  # noqa: T201


class _Masking:
    """Makes records whose parts are masked one by one, since some formatters take them apart."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def __call__(self, *args: Any, **more: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._make(*args, **more)
        record.msg = _part(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(_part(each) for each in record.args)
        elif record.args:
            record.args = {name: _part(each) for name, each in record.args.items()}
        if record.exc_info:
            record.exc_text = _masked(logging.Formatter().formatException(record.exc_info))
        return record


def _part(value: Any) -> Any:
    """What a record is made of, masked; what is formatted as a number stays one."""
    return value if value is None or isinstance(value, int | float) else _masked(str(value))


def _masked(text: str) -> str:
    return masked(_ADDED.sub("", text))
