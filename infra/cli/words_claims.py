"""The Chinese of what is said about claims."""

from __future__ import annotations

CLAIMS: dict[str, str] = {
    "Claim the next best case, or a given one, for an agent.": "为客服领取下一个最应处理的售后单，或指定的售后单。",
    "Record the end of claims that have lapsed, until Ctrl-C; several may run at a time.": "持续记录已到期领取的结束，直到按 Ctrl-C；可同时运行多个。",
    "End those that have lapsed by now, and end.": "结束目前已到期的领取后退出。",
    "Lapsed claims ended: {count}.": "已结束 {count} 个到期的领取。",
    "Go on with a claimed case: its lease runs anew from now.": "续期已领取的售后单：时限从现在重新计算。",
    "Give a claimed case back to the queue.": "把已领取的售后单放回待办队列。",
    "Hand a claimed case over to another agent.": "把已领取的售后单转交给另一客服。",
    "As a supervisor, take a case from whoever has claimed it.": "以主管身份收回已被领取的售后单。",
    "Show who has claimed what, and until when.": "显示谁领取了哪些售后单、到何时为止。",
    "The case: platform:shop:number.": "售后单：平台:店铺:单号。",
    "The agent who works on it.": "处理的客服。",
    "The agent who gets it.": "接手的客服。",
    "The agent who gets it, else the queue.": "接手的客服；不填则放回队列。",
    "The token that the claim was given.": "领取时得到的令牌。",
    "This case and no other.": "只领取这一单。",
    "Only cases of this shop; may be repeated.": "仅此店铺的售后单；可重复使用。",
    "Only cases with these problem types and no other.": "仅限只含这些问题类型的售后单。",
    "Only this agent.": "仅此客服。",
    "The supervisor.": "主管。",
    "Why.": "原因。",
    "{agent} has claimed {case} until {until}; token {token}.": (
        "{agent} 已领取 {case}，到 {until} 为止；令牌 {token}。"
    ),
    "Nobody has claimed a case.": "目前没有被领取的售后单。",
    "Options stand behind the command: queue {name} …": "选项应写在命令之后：queue {name} …",
    "Refused ({code}): {reason}": "被拒绝（{code}）：{reason}",
    "{field} cannot be {value}.": "{field} 不能是 {value}。",
    "Done.": "已完成。",
    "Agent": "客服",
    "Token": "令牌",
    "Claimed at": "领取时刻",
    "Until": "到期时刻",
}
