"""HR's alerts to WeCom, DingTalk, Feishu, Slack, webhooks and whatever else Apprise knows, with another channel to
fall back on. The only file that knows Apprise.

A message has arrived when one of the services took it; which ones did not is kept with it. When none did, it goes by
the other channel, and the message says so. Apprise can't tell a refusal from an answer that was lost: then HR may
read an alert twice, which is better than not at all.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import apprise

from notifications.channels.port import SENT, STOPPED, TAKEN, Begin, Channel, Mail, Outcome, all_begin, shown
from schemas.errors import ConfigurationError

log = logging.getLogger(__name__)

MOST_FAILURES: Final = 3  # alerts in a row that no service took, after which a batch goes by the other channel
BATCH_SECONDS: Final = 10.0  # after which no other alert is begun: candidates' mail is waiting
ALERT_SECONDS: Final = 30.0  # for one alert at all services
_SPLIT: Final = re.compile(r"[\s,]+(?=[A-Za-z][A-Za-z0-9+.-]*://)")
_STATUS: Final = re.compile(r"\berror=([0-9]{3})\b")
_BUSY: Final = Outcome("requested", "the alert services take only so many a minute", pauses_channel=True, untried=True)


class Alerts:
    """Tells all services at once. `urls`: Apprise's, separated by spaces or commas; each has a secret in it."""

    name = "alerts"
    keeps = False
    portion = 5

    def __init__(self, urls: str, fallback: Channel) -> None:
        """Raises ConfigurationError for a URL that Apprise can't use, by its place."""
        _keep_quiet()
        self._services = _services(urls)
        self._fallback = fallback
        self.lease = BATCH_SECONDS + ALERT_SECONDS + fallback.lease + 10
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="alerts")
        self._closed = False

    async def send(self, mails: Sequence[Mail], begin: Begin = all_begin) -> list[Outcome]:
        mine = await begin(mails)
        loop = asyncio.get_running_loop()
        ends, failures, outcomes = loop.time() + BATCH_SECONDS, 0, dict[int, Outcome]()
        fallen: list[tuple[Mail, str]] = []
        for mail in mails:
            if mail.id not in mine:
                outcomes[mail.id] = TAKEN
            elif self._closed:
                outcomes[mail.id] = STOPPED
            elif loop.time() > ends:
                outcomes[mail.id] = _BUSY
            elif failures >= MOST_FAILURES:
                fallen.append((mail, f"not tried, after: {fallen[-1][1].removeprefix('not tried, after: ')}"))
            else:
                delivered, trouble = await loop.run_in_executor(self._thread, self._notify, mail)
                failures = 0 if delivered else failures + 1
                if delivered:
                    outcomes[mail.id] = replace(SENT, reason=trouble or None)
                else:
                    fallen.append((mail, trouble))
        outcomes.update(await self._fall_back(fallen))
        return [outcomes[mail.id] for mail in mails]

    def at_once(self, mails: Sequence[Mail]) -> Sequence[Mail]:
        return ()

    async def close(self) -> None:
        self._closed = True
        self._thread.shutdown(wait=False)
        await self._fallback.close()

    def _notify(self, mail: Mail) -> tuple[bool, str]:
        """Whether any service took it, and what the others said. Chats get the text: attachments stay with mail."""
        result = self._services.notify(
            body=mail.text, title=mail.subject, body_format=apprise.NotifyFormat.TEXT, timeout=ALERT_SECONDS
        )
        failed = [f"{shown(str(each.name))} {_trouble(each)}" for each in result if not each]
        return len(failed) < len(self._services), "; ".join(failed)

    async def _fall_back(self, fallen: Sequence[tuple[Mail, str]]) -> dict[int, Outcome]:
        if not fallen:
            return {}
        name = self._fallback.name
        log.error("%d alerts reached no service (%s); they go by %s", len(fallen), fallen[0][1], name)
        outcomes = await self._fallback.send([mail for mail, _ in fallen])
        return {
            mail.id: replace(outcome, reason="; ".join(filter(None, [f"fell back to {name}: {why}", outcome.reason])))
            for (mail, why), outcome in zip(fallen, outcomes, strict=True)
        }


def _services(urls: str) -> apprise.Apprise:
    asset = apprise.AppriseAsset(app_id="Yinfeng", app_desc="Yinfeng 引凤", http_redirects=False)
    services = apprise.Apprise(asset=asset)
    for place, url in enumerate(_SPLIT.split(urls.strip()), start=1):
        service = apprise.Apprise.instantiate(url, asset=asset)
        if not isinstance(service, apprise.NotifyBase):
            raise ConfigurationError(
                f"YINFENG_HR_ALERTS: Apprise can't use address {place}; look up how its service is written"
            )
        service.overflow_mode = apprise.OverflowMode.SPLIT  # a long digest, in parts
        services.add(service)
    return services


def _trouble(result: apprise.NotifyResult) -> str:
    """Why a service failed: of what Apprise says, only what can hold no secret."""
    if result.status == apprise.AppriseResultStatus.TIMEOUT:
        return "gave no answer in time"
    found = _STATUS.search(" ".join(entry.message for entry in result.logs()))
    return f"answered {found[1]}" if found else "could not be reached, or refused"


def _keep_quiet() -> None:
    """Apprise's own lines, and those of the HTTP client that it uses, have addresses with secrets in them."""
    logging.getLogger("apprise").propagate = False
    logging.getLogger("urllib3").setLevel(logging.WARNING)
