"""What mail servers say when they refuse a mail: whether nobody is at its address, or this mail is not wanted. Pure.

Nobody: no such mailbox or domain, moved without a word, disabled. Not so: our reputation, what the mail says, a policy,
a full mailbox, a sender that they don't like. Those say nothing of the reader, who may be written to again.
"""

from __future__ import annotations

import re
from typing import Final


def is_nobody(said: str, *, status: str = "", of_recipient: bool = True) -> bool:
    """Whether a permanent refusal says that there is nobody at the address. By its enhanced code (RFC 3463) where the
    text has one, else by `status` where a report gives it, else by what servers write without one.

    `of_recipient`: it was said of the address; what is said of a whole mail needs a code to mean its address.
    """
    found = _ENHANCED.search(said)
    code = found[0] if found else status
    if code and not code.endswith(".0.0"):
        return (bool(_NOBODY.fullmatch(code)) and not _OF_SENDER.search(said)) or _is_exchange(code, said)
    return of_recipient and bool(_NO_SUCH.search(said)) and not _POLICY.search(said)


def _is_exchange(code: str, said: str) -> bool:
    """Exchange Online refuses so whoever is not in the directory."""
    return code == "5.4.1" and bool(_NOT_IN_DIRECTORY.search(said))


_ENHANCED: Final = re.compile(r"(?<![\d.])5\.[0-9]{1,3}\.[0-9]{1,3}(?![\d.]*\d)")
_NOBODY: Final = re.compile(r"5\.1\.(0|1|2|3|6|10)|5\.2\.1")  # bad address, moved, null MX; mailbox disabled
_OF_SENDER: Final = re.compile(r"\bsender\b", re.IGNORECASE)
_NOT_IN_DIRECTORY: Final = re.compile(r"recipient address rejected: access denied", re.IGNORECASE)
_NO_SUCH: Final = re.compile(
    r"no such (user|mailbox|address|recipient|account|person)"
    r"|(user|mailbox|recipient|address|account)( is)? (unknown|not found|invalid|disabled|suspended|inactive)"
    r"|(unknown|invalid|unrouteable) (user|mailbox|recipient|address)"
    r"|(does not|doesn't) (exist|have an? [\w.]+ account)|mailbox unavailable|not a valid (user|mailbox|recipient)",
    re.IGNORECASE,
)
_POLICY: Final = re.compile(
    r"\b(spam|polic(y|ies)|reputation|block(ed|list)|blacklist|denied|content|sender|quota|full|frequen|rate)"
    r"|over ?quota|too (many|much)",
    re.IGNORECASE,
)
