"""Makes a dictionary for kept mails, of samples of every kind and language: `python -m tests.mail_dictionary FILE`.

For a dictionary more, once templates have changed much; those that there are stay (storage/messages/compressing.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from notifications.sending.rendering import LOCALES
from notifications.sending.samples import sample
from notifications.sending.signed_links import Links
from notifications.sending.situation import Writer
from schemas.kinds import TEMPLATED
from tests.renderer import RENDERER

if sys.version_info >= (3, 14):
    from compression.zstd import train_dict
else:
    from backports.zstd import train_dict

SIZE: Final = 32 * 1024
OF_EACH: Final = 8
DAY: Final = datetime(2026, 4, 1, 9, tzinfo=UTC)


def mails(of_each: int, salt: str) -> Iterator[tuple[str, bytes]]:
    """So many mails of each kind and language, with the kind; with another `salt`, other people's and campaigns'."""
    for number in range(of_each):
        called = {"title": f"{salt}{number}", "organizer": f"{number}{salt}", "timezone": "Asia/Shanghai"}
        links = Links(f"{salt:>32}{number}".encode(), f"https://{salt.lower()}.example")
        for kind in TEMPLATED:
            for locale in LOCALES:
                letter = sample(
                    kind,
                    locale,
                    {"campaign": f"{salt}-{number}", **called},
                    sender=Writer(salt, "https://park.example", "hr@park.example"),
                    links=links,
                    now=DAY + timedelta(days=31 * number + len(salt)),
                )
                mail = RENDERER.render(kind, locale, letter.values)
                yield kind, msgspec.json.encode((mail.subject, mail.html, mail.text))


def main() -> None:
    """Write it into the file that is named."""
    made = train_dict([mail for _, mail in mails(OF_EACH, "Sample")], SIZE)
    Path(sys.argv[1]).write_bytes(made.dict_content)


if __name__ == "__main__":
    main()
