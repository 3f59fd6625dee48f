"""Why a message stands as it does, in the reader's language. What is kept is English; a mail server's own words stay as
they are."""

from __future__ import annotations

import re
from typing import Final

from notifications.drawing import in_chinese


def reason(said: str, lang: str) -> str:
    """A kept reason as it is shown."""
    if lang != "zh-CN":
        return said
    if said in EXACTLY:
        return EXACTLY[said]
    return in_chinese(said, LIKE, WORDS)


WORDS: Final[dict[str, str]] = {
    "accepted": "已接受",
    "declined": "已婉拒",
    "rescinded": "已撤回",
    "extended": "待答复",
    "retracted": "已更正",
    "applied": "已申请",
    "verified": "已核验",
    "paid": "已发放",
    "refused": "未通过",
    "mail to this address came back": "发往该地址的邮件被退回",
    "the reader complained of spam": "收信人投诉为垃圾邮件",
    "the reader unsubscribed": "收信人已退订",
}
EXACTLY: Final[dict[str, str]] = {
    "HR has switched off this kind of message for the campaign": "招聘方已在本活动停用此类邮件",
    "a benefit was applied for already": "已申请补贴",
    "an address came": "已补充邮箱地址",
    "another fact gives the same reason": "同一事由再次发生",
    "another sender has taken it": "已由另一发送进程处理",
    "candidate erased": "求职者信息已删除",
    "candidate restricted": "求职者已限制处理",
    "waits for consent to go abroad": "邮件将出境，等待本人同意",
    "no consent to go abroad": "未同意信息出境，不能寄往境外",
    "consent to go abroad came": "本人已同意信息出境",
    "no consent to go abroad is needed any more": "不再需要出境同意",
    "the candidate was heard of since": "此后有求职者的新消息",
    "in doubt for an hour; a message of this kind goes once more": "一小时内结果未知，此类邮件再发一次",
    "in doubt for an hour; a message of this kind is not sent again": "一小时内结果未知，此类邮件不再发送",
    "it may have gone before the database was restored": "恢复数据库之前可能已经发出",
    "its batch took long; it goes with the next one": "本批用时较长，随下一批发送",
    "its candidate's journey changed meanwhile": "求职者的情况在此期间有变",
    "its channel rests no more": "渠道已恢复",
    "its domain has had its share": "该邮箱服务商的发送额度暂满",
    "no address": "没有邮箱地址",
    "one mail an hour tells of these": "此类邮件每小时合并发送一次",
    "the answer no longer stands": "该答复已不成立",
    "the candidate has started there": "求职者已在该单位入职",
    "the candidate is on the waiting list": "求职者在候补名单中",
    "the candidate withdrew": "求职者已退出",
    "the check-in was retracted": "签到已更正",
    "the employer does not see this candidate": "用人单位无权查看该求职者",
    "the employer has given no address": "用人单位没有提供邮箱",
    "the fair does not take place": "招聘会不举办",
    "the fair has begun": "招聘会已开始",
    "the fair is cancelled": "招聘会已取消",
    "the fair is full; told of the waiting list instead": "招聘会名额已满，改发候补通知",
    "the fair is no longer known": "招聘会已无记录",
    "the fair is not known": "招聘会尚无记录",
    "the fair is not known yet": "招聘会尚无记录，稍后再试",
    "the fair is over": "招聘会已结束",
    "the fair takes place after all": "招聘会照常举办",
    "the fair was long ago": "招聘会结束已久",
    "the hire no longer stands": "入职记录已不成立",
    "the offer expired long ago": "录用过期已久",
    "the offer has expired": "录用已过答复期限",
    "the offer has not expired yet": "录用尚未到答复期限",
    "the offer has other terms now": "录用内容已变更",
    "the offer was retracted": "录用记录已更正",
    "the result has changed since": "面试结果已变更",
    "the seat was given up": "名额已放弃",
    "the sender ended between claiming this message and recording what became of it": (
        "发送进程在领取邮件后、记录结果前终止"
    ),
    "the sender stopped before its turn came": "尚未轮到发送，发送进程已停止",
    "the signup was retracted": "报名已更正",
    "there is a seat by now": "现已有名额",
    "told in another mail already": "已在另一封邮件中告知",
    "waits for the end of the fair": "等待招聘会结束",
    "what was typed is kept no more": "填写的内容已不再保留",
    "waits for the morning": "等到早晨发送",
    "what made it moot was taken back": "使其取消的记录已更正",
}
LIKE: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), chinese)
    for pattern, chinese in (
        (r"the offer is (\w+)", "录用{0}"),
        (r"the benefit is (\w+)", "补贴{0}"),
        (r"HR had (\d+) mails within the hour", "招聘方一小时内已收到 {0} 封邮件"),
        (r"told in the mail of message (\d+)", "已并入第 {0} 号消息的邮件"),
        (r"(.+) on (\d{4}-\d{2}-\d{2})", "{0}（{1}）"),
        (r"(?:resent|cancelled) by (.+?): (.*)", "{0}：{1}"),
        (r"suppression lifted by (.+)", "{0} 已解除停发"),
        (r"can't be written: (.*)", "暂时无法生成邮件：{0}"),
        (r"not tried, after: (.*)", "此前出错，未尝试发送：{0}"),
        (r"fell back to (\w+): (.*)", "改由 {0} 发送：{1}"),
        (r"(?:.*): the provider said nothing for an hour; HR is asked", "邮件服务商一小时没有回音，已请招聘方处理"),
        (r"(?:.*): the provider said nothing for an hour", "邮件服务商一小时没有回音"),
        (r"SendGrid can't be reached: (.*)", "无法连接 SendGrid：{0}"),
        (r"SendGrid answered (\d+)(.*); check YINFENG_SENDGRID_API_KEY and the sender YINFENG_MAIL_FROM",
         "SendGrid 返回 {0}{1}；请检查 YINFENG_SENDGRID_API_KEY 和发件地址 YINFENG_MAIL_FROM"),
        (r"(.*); the mail may have gone", "{0}；邮件可能已经发出"),
        (r"SendGrid answered (\d+)(.*)", "SendGrid 返回 {0}{1}"),
        (r"the mail server can't be reached: (.*)", "无法连接邮件服务器：{0}"),
        (r"the address can't be written in a mail: (.*)", "该地址无法写入邮件：{0}"),
        (r"the connection was lost, the mail may have gone: (.*)", "连接中断，邮件可能已经发出：{0}"),
        (r"the connection failed, the mail may have gone: (.*)", "连接失败，邮件可能已经发出：{0}"),
        (r"no answer came, the mail may have gone: (.*)", "没有收到答复，邮件可能已经发出：{0}"),
    )
)  # fmt: skip
