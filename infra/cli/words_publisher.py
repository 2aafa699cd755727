"""The Chinese of what is said about publishing to Kafka."""

from __future__ import annotations

PUBLISHER: dict[str, str] = {
    # the worker
    "The database is away; the publisher waits: {reason}": "数据库不可用，发布暂停：{reason}",
    "Kafka is away; the publisher waits: {reason}": "Kafka 不可用，发布暂停：{reason}",
    "The publisher goes on.": "发布已恢复。",
    "The event at position {position} cannot be published: {reason}": "位置 {position} 的事件无法发布：{reason}",
    "The queue's entry cannot be published: {reason}": "待办队列的条目无法发布：{reason}",
    "Not everything was published; see publisher status.": "尚未全部发布；参见 publisher status。",
    # the commands
    "Look after what is published: case events, results of commands, dead letters, the queue.": "管理对外发布：售后事件、指令结果、死信、待办队列。",
    "Publish until Ctrl-C; of several that run, one publishes.": "持续发布，直到按 Ctrl-C；同时运行多个时，只有一个在发布。",
    "Publish what is there now and end.": "发布完现有内容后退出。",
    "{records} records published.": "已发布 {records} 条记录。",
    "Show how far it is, what waits and since when, and who publishes.": "显示发布进度、等待的数量和时长，以及由谁发布。",
    "Nobody publishes.": "当前没有进程在发布。",
    "{process} publishes, since {since}.": "由 {process} 发布，自 {since} 起。",
    "position": "位置",
    "publication": "发布内容",
    "waiting": "等待数",
    "for": "已等待",
    "last moved": "最近推进",
    "error": "错误",
    "case-events": "售后事件",
    "answers": "指令结果",
    "repeats": "重复指令的结果",
    "dead-letters": "死信",
    "queue": "待办队列",
    "Publish again from a position on; readers know the records by their ids.": "从某个位置起重新发布；读者可凭记录编号去重。",
    "The first to be published again: a position of the log, or a number.": "从哪里开始重新发布：日志位置，或编号。",
    "What is published again.": "重新发布的内容。",
    "{name} will be published again from {start} on.": "{name} 将从 {start} 起重新发布。",
    "{start} is not published yet.": "{start} 尚未发布。",
}
