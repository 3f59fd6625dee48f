"""No address and no telephone number stands in a log, whoever writes it: ourselves, or a library that tells what a
server answered."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

_HIDDEN: Final = (
    (re.compile(r"[^\s@,;:<>\"'()\\\[\]{}=]{1,64}@[^\s@,;:<>\"'()\\\[\]{}/]{1,185}\.[^\W\d_]{2,63}"), "[address]"),
    (re.compile(r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])"), "[number]"),
)


def mask_logs() -> None:
    """From now on, in this process. Harmless to call again."""
    make = logging.getLogRecordFactory()
    if not isinstance(make, _Masking):
        logging.setLogRecordFactory(_Masking(make))


def masked(text: str) -> str:
    """The text without addresses and telephone numbers."""
    for pattern, instead in _HIDDEN:
        text = pattern.sub(instead, text)
    return text


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
            record.exc_text = masked(logging.Formatter().formatException(record.exc_info))
        return record


def _part(value: Any) -> Any:
    """What a record is made of, masked; what is formatted as a number stays one."""
    return value if value is None or isinstance(value, int | float) else masked(str(value))
