"""What people read before they agree, with its version: the page shows these words, and the fact keeps them.

Change the words, change the version: what somebody agreed to is what they read.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = "2026-11"
WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "employers": (
            "The employers of this fair may see what I fill in here, to invite me to interviews and make me offers."
            " I can take this back at any time."
        ),
        "employers_of_all": (
            "The employers of the fairs that I sign up for may see what I fill in here, to invite me to interviews and"
            " make me offers. I can take this back at any time."
        ),
        "marketing": "Send me news of further fairs and openings. I can end this at any time.",
        "keeping": "Keep my data for another while, so that I can be reached. I can take this back at any time.",
        "abroad": (
            "Mails to me may go by a mail service abroad, which handles my name, my address and what the mails say."
            " I can take this back at any time."
        ),
    },
    "zh-CN": {
        "employers": "本场招聘会的用人单位可以查看我在此填写的信息，以便邀请我面试、发放录用通知。我可以随时撤回。",
        "employers_of_all": (
            "我所报名招聘会的用人单位可以查看我在此填写的信息，以便邀请我面试、发放录用通知。我可以随时撤回。"
        ),
        "marketing": "请把后续招聘会和职位信息发给我。我可以随时取消。",
        "keeping": "请继续保存我的信息，以便与我联系。我可以随时撤回。",
        "abroad": "发给我的邮件可以经由境外的邮件服务发送，该服务会处理我的姓名、邮箱和邮件内容。我可以随时撤回。",
    },
}


def read(about: str, lang: str) -> str:
    """What a fact says was read."""
    return f"{about} {VERSION} {lang}: {WORDS[lang][about]}"
