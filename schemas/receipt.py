"""What an erased person is told: what is gone, and what remains where, until when. As docs/privacy.md has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.topics import FACTS, TOPICS

IN_TOPIC: Final = timedelta(milliseconds=int(TOPICS[FACTS][1]["retention.ms"]))


@dataclass(frozen=True, slots=True)
class Remains:
    """Something that is still there; `until`: None where nobody can say."""

    what: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """`gone` and what remains, by the names of TEXTS."""

    erased_at: datetime
    gone: tuple[str, ...]
    remains: tuple[Remains, ...]

    def said(self, lang: str) -> dict[str, Any]:
        """As people read it."""
        words = TEXTS[lang]
        return {
            "erased_at": self.erased_at,
            "gone": [words[name] for name in self.gone],
            "remains": [{"what": words[each.what], "until": each.until} for each in self.remains],
        }


def receipt(erased_at: datetime) -> Receipt:
    """The receipt of who asked then."""
    remains = (
        Remains("counts"),
        Remains("topic", erased_at + IN_TOPIC),
        Remains("pages"),
        Remains("copies"),
        Remains("sent"),
    )
    return Receipt(erased_at, ("person", "facts", "mails", "others"), remains)


TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "person": "Your name, your addresses and telephone numbers",
        "facts": "All that was said of you, in every copy: the key that it was sealed with is destroyed",
        "mails": "The mails to you, their files, and what mail servers answered",
        "others": "Documents for you, forms that wait, your links, records that could not be read",
        "counts": "Numbers and days without a name, and education, school, major, year and industry, which name nobody",
        "topic": "What others wrote of you straight onto the message log, as they wrote it",
        "pages": "Your name, in parts of the database's files that are free to be overwritten",
        "copies": (
            "Copies of the database that the organizer keeps, as long as they are kept. Who was erased is erased from"
            " them again before they are used"
        ),
        "sent": "Mails that went out: your mailbox and the mail services on the way have them",
    },
    "zh-CN": {
        "person": "您的姓名、邮箱和电话",
        "facts": "关于您的所有记录及其一切副本：封存所用的密钥已销毁",
        "mails": "发给您的邮件、附件，以及邮件服务器的答复",
        "others": "给您的文件、待确认的表单、您的链接、无法读取的记录",
        "counts": "不含姓名的数字和日期，以及学历、学校、专业、毕业年份和产业链，这些不指向任何人",
        "topic": "他人直接写入消息日志的内容，保持原样",
        "pages": "您的姓名，在数据库文件中等待覆盖的部分",
        "copies": "主办方保存的数据库备份，以其保存期限为准；启用备份之前，会再次删除您的信息",
        "sent": "已经发出的邮件：保存在您的邮箱和途经的邮件服务中",
    },
}
