"""What the public pages say, by language and key."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "signup.unknown": "There is no such fair",
        "signup.unknown.lead": (
            "The address may not have been copied whole. Scan the code once more, or ask the organizer."
        ),
        "signup.og": "Sign up in a minute. {organizer} invites you.",
        "signup.when": "When",
        "signup.where": "Where",
        "signup.seats": "Seats",
        "signup.left": "{left} of {capacity} left",
        "signup.none_left": "None left; {waiting} wait for one",
        "signup.calendar": "Add to my calendar",
        "signup.map": "Show on a map",
        "signup.employers": "Who will be there",
        "signup.fairs": "Sign up for a fair",
        "signup.form": "Sign up",
        "signup.form.full": "Get on the waiting list",
        "signup.submit": "Sign me up",
        "signup.submit.full": "Put me on the waiting list",
        "signup.working": "One moment …",
        "signup.further": "Say more about yourself (optional)",
        "signup.field.name": "Name",
        "signup.field.email": "E-mail, for your ticket",
        "signup.field.education": "Education",
        "signup.field.school": "School",
        "signup.field.phone": "Telephone",
        "signup.field.major": "Major",
        "signup.field.graduation_year": "Year of graduation",
        "signup.privacy": (
            "{organizer} uses this to run its fairs. In every mail is a link to your own page: see, correct"
            " or erase everything there."
        ),
        "signup.no_script": (
            "Without JavaScript it takes longer: press the button, wait 20 seconds, press it again. Nothing"
            " that you typed is lost."
        ),
        "signup.slow": "Your browser runs no scripts, so please wait 20 seconds, then press the button once more.",
        "signup.soon": "That was quick. Please wait some seconds, then press the button once more.",
        "signup.stale": "This page had been open for long. Please press the button once more.",
        "signup.many": "Many sign up from your network just now. Wait some seconds, then press the button once more.",
        "signup.done": "You are in.",
        "signup.done.mail": "A mail with your ticket is on its way to the address that you gave.",
        "signup.done.full": (
            "If no seat was left, you are on the waiting list: the mail says so, and we write as soon as one"
            " comes free."
        ),
        "signup.done.known": (
            "Have you signed up with this address before? Then what you said of yourself at that time still"
            " stands; you change it on your own page, by the link in the mail."
        ),
        "signup.check": "One click is left.",
        "signup.check.lead": "Open the mail that is on its way to you, and confirm your address: then you are in.",
        "signup.full": "All seats are taken.",
        "signup.full.lead": (
            "Put yourself on the waiting list: you would be number {place}. We write as soon as a seat comes free."
        ),
        "signup.early": "Signing up opens on {day}.",
        "signup.early.lead": "Come back then. Questions? {organizer} is glad to help.",
        "signup.closed": "Signing up has closed.",
        "signup.closed.lead": "Questions? {organizer} is glad to help.",
        "signup.shut": "One can't sign up here.",
        "signup.shut.lead": "Please ask {organizer} how to take part.",
        "signup.cancelled": "This fair has been cancelled.",
        "signup.cancelled.lead": "Questions? {organizer} is glad to help.",
        "signup.over": "This is over.",
        "signup.over.lead": "{organizer} thanks all who came.",
        "poster.call": "Scan, sign up, come",
        "poster.link": "Poster",
        "poster.public": "Public page",
        "signup.lost": "I am signed up and have lost my link",
    },
    "zh-CN": {
        "signup.unknown": "没有这场招聘会",
        "signup.unknown.lead": "链接可能不完整。请重新扫码，或咨询主办方。",
        "signup.og": "一分钟完成报名。{organizer}诚邀您参加。",
        "signup.when": "时间",
        "signup.where": "地点",
        "signup.seats": "名额",
        "signup.left": "剩余 {left} 个，共 {capacity} 个",
        "signup.none_left": "已满，{waiting} 人候补",
        "signup.calendar": "加入日历",
        "signup.map": "查看地图",
        "signup.employers": "参会单位与职位",
        "signup.fairs": "选择招聘会报名",
        "signup.form": "报名",
        "signup.form.full": "加入候补",
        "signup.submit": "立即报名",
        "signup.submit.full": "加入候补名单",
        "signup.working": "请稍候……",
        "signup.further": "补充更多信息（选填）",
        "signup.field.name": "姓名",
        "signup.field.email": "邮箱（用于接收电子票）",
        "signup.field.education": "学历",
        "signup.field.school": "学校",
        "signup.field.phone": "手机",
        "signup.field.major": "专业",
        "signup.field.graduation_year": "毕业年份",
        "signup.privacy": (
            "{organizer}仅将这些信息用于组织招聘活动。每封邮件里都有通往您个人页面的链接，可随时查看、更正或"
            "删除全部信息。"
        ),
        "signup.no_script": (
            "未启用 JavaScript 时需要多等一会儿：按下按钮，等待 20 秒，再按一次。已填写的内容不会丢失。"
        ),
        "signup.slow": "您的浏览器未运行脚本，请等待 20 秒后再按一次按钮。",
        "signup.soon": "提交得太快了，请等几秒后再按一次按钮。",
        "signup.stale": "页面打开时间过长，请再按一次按钮。",
        "signup.many": "您所在的网络此刻报名人数较多，请等几秒后再按一次按钮。",
        "signup.done": "报名成功！",
        "signup.done.mail": "电子票已发往您填写的邮箱，请注意查收。",
        "signup.done.full": "若名额已满，您已进入候补名单，邮件中会注明；一有空位，我们会立即通知您。",
        "signup.done.known": (
            "此前用过同一邮箱报名？那么当时填写的个人信息仍然有效；可通过邮件中的链接在个人页面修改。"
        ),
        "signup.check": "还差一步。",
        "signup.check.lead": "请打开发给您的邮件并确认邮箱，确认后即报名成功。",
        "signup.full": "名额已满。",
        "signup.full.lead": "您可以加入候补名单，目前将排在第 {place} 位。一有空位，我们会立即通知您。",
        "signup.early": "{day}开放报名。",
        "signup.early.lead": "请届时再来。如有疑问，请咨询{organizer}。",
        "signup.closed": "报名已截止。",
        "signup.closed.lead": "如有疑问，请咨询{organizer}。",
        "signup.shut": "此处不接受报名。",
        "signup.shut.lead": "参加方式请咨询{organizer}。",
        "signup.cancelled": "这场招聘会已取消。",
        "signup.cancelled.lead": "如有疑问，请咨询{organizer}。",
        "signup.over": "活动已结束。",
        "signup.over.lead": "{organizer}感谢各位的参与。",
        "poster.call": "扫码报名",
        "poster.link": "海报",
        "poster.public": "报名页面",
        "signup.lost": "我已报名，但找不到链接了",
    },
}
