"""The Chinese of what the commands about files and cases say."""

from __future__ import annotations

from typing import Final

WAYS_IN: Final[dict[str, str]] = {
    # submit and import
    "Submit a file of commands and facts, one JSON object a line.": (
        "提交指令和事实的文件，每行一个 JSON 对象。"
    ),
    "A file in JSON Lines, UTF-8.": "JSON Lines 文件，UTF-8 编码。",
    "Where refused lines go, with their reasons (else FILE.refused.jsonl).": (
        "被拒绝的行及原因存放位置（默认 FILE.refused.jsonl）。"
    ),
    "Send what an earlier run was refused as new.": "把之前被拒绝的请求作为新请求重新发送。",
    "Import a CSV or XLSX file as a back office exports it, through a mapping.": (
        "按映射导入后台导出的 CSV 或 XLSX 文件。"
    ),
    "A CSV or XLSX file.": "CSV 或 XLSX 文件。",
    "How its rows are to be read.": "用哪种映射读取各行。",
    "The time zone of its times (else Asia/Shanghai).": "文件中时间的时区（默认 Asia/Shanghai）。",
    "The encoding of a CSV file (else UTF-8 or GB18030, whichever fits).": (
        "CSV 文件的编码（默认 UTF-8 或 GB18030，自动识别）。"
    ),
    "The shop of rows that name none.": "未写店铺的行属于哪个店铺。",
    "Times are read as local times of {zone}.": "时间按 {zone} 的当地时间读取。",
    "There is no mapping {name}; there are: {known}.": "没有映射 {name}；可用的有：{known}。",
    "The database is not available ({reason}). After {lines} lines; run it again to go on.": (
        "数据库暂时不可用（{reason}）。已处理 {lines} 行；再次运行即可继续。"
    ),
    "{path} is the file itself; name another for what is refused.": (
        "{path} 就是输入文件；请为被拒绝的行另指定文件。"
    ),
    "Sending": "正在发送",
    "{lines} lines, {refused} refused": "{lines} 行，拒绝 {refused} 行",
    "Lines": "行",
    "Requests": "请求",
    "accepted": "已接受",
    "repeated": "重复",
    "refused": "已拒绝",
    "together": "合计",
    "Refused lines, with the reasons: {path}": "被拒绝的行及原因：{path}",
    # files
    "{path} does not exist.": "{path} 不存在。",
    "{path} is not a file.": "{path} 不是文件。",
    "{path} is empty.": "{path} 是空文件。",
    "{path} cannot be read: {reason}": "{path} 无法读取：{reason}",
    "{path} is in UTF-16; write it in UTF-8.": "{path} 是 UTF-16 编码；请用 UTF-8。",
    "{path} is in UTF-16; save it as CSV in UTF-8 or GB18030, or as XLSX.": (
        "{path} 是 UTF-16 编码；请另存为 UTF-8 或 GB18030 的 CSV，或 XLSX。"
    ),
    "{path} is neither in UTF-8 nor in GB18030; --encoding names another.": (
        "{path} 既不是 UTF-8 也不是 GB18030；请用 --encoding 指定编码。"
    ),
    "The encoding {encoding} is not one of: {known}.": "编码 {encoding} 不在可用之列：{known}。",
    "The header of {path} cannot be read: {reason}": "{path} 的表头无法读取：{reason}",
    "{path} is not an XLSX workbook.": "{path} 不是 XLSX 工作簿。",
    "{path} unpacks to more than 2 GB.": "{path} 解压后超过 2 GB。",
    "{path} has no column {columns}. It has: {header}.": (
        "{path} 缺少列：{columns}。现有的列：{header}。"
    ),
    "{path} has the column {column} twice.": "{path} 有两个“{column}”列。",
    "{name} is not a time zone, such as Asia/Shanghai.": "{name} 不是时区，例如 Asia/Shanghai。",
    "The file names no shop; say which with --shop.": "文件中没有店铺；请用 --shop 指定。",
    "{shop} cannot be the name of a shop.": "{shop} 不能作为店铺名。",
    # schema
    "Print the JSON Schema of a message type, or of all.": "输出某种或全部消息的 JSON Schema。",
    "Such as case.file_complaint; all if left out.": "例如 case.file_complaint；省略则输出全部。",
    "Only list the types.": "只列出类型。",
    "There is no message type {type}; --list shows them.": (
        "没有消息类型 {type}；用 --list 查看全部。"
    ),
    "command": "指令",
    "fact": "事实",
    # case
    "Look at one case, as it is or as it was.": "查看一张售后单，现在的或当时的。",
    "The case's number, platform:shop:number; an alias leads there too.": (
        "售后单号，平台:店铺:单号；其他单号也可以。"
    ),
    "The zone of local times (shown: else the shop's).": (
        "当地时间的时区（显示时默认为店铺的时区）。"
    ),
    "Show a case: as it is, as of a version, or as it was at a time.": (
        "显示售后单：现状、某一版本或某一时刻的状态。"
    ),
    "After so many events.": "第几个事件之后。",
    "By what had happened by then.": "按到那时已发生的事。",
    "By what was known then (else now).": "按到那时已知道的事（默认现在）。",
    "Show what happened in a case: who, what, when, on what ground, known when.": (
        "显示售后单的经过：谁、做了什么、何时、依据什么、何时得知。"
    ),
    "Show what changed in a case between two of its versions.": "显示售后单两个版本之间的变化。",
    "The earlier version; 0: before its first event.": "较早的版本；0 表示第一个事件之前。",
    "The later version.": "较晚的版本。",
    "Give either --version or --at and --known-at.": "--version 与 --at、--known-at 不能同时使用。",
    "Version {later} comes after version {to}.": "版本 {later} 在版本 {to} 之后。",
    "There is no case {case}.": "没有售后单 {case}。",
    "{case} is not a case number; one is platform:shop:number, such as douyin:s1:AS123.": (
        "{case} 不是售后单号；格式为 平台:店铺:单号，例如 douyin:s1:AS123。"
    ),
    "{case} has no version {version}; its last is {last}.": (
        "{case} 没有版本 {version}；最新版本是 {last}。"
    ),
    "At that time nothing was known of {case} yet.": "那时还没有 {case} 的任何记录。",
    "{option} {time} lacks its zone: write 2026-01-02T03:04:05+08:00, or add --zone.": (
        "{option} {time} 缺少时区：请写成 2026-01-02T03:04:05+08:00，或加 --zone。"
    ),
    "{option} {time} is not a time: {reason}": "{option} {time} 不是时间：{reason}",
    "{option} {time} has not come yet.": "{option} {time} 尚未到来。",
    "{case} · {status} · version {version}": "{case} · {status} · 第 {version} 版",
    "{asked} goes on in {case}.": "{asked} 并入 {case}。",
    "Times are of {zone}.": "时间为 {zone} 当地时间。",
    "(taken back by #{version})": "（已被 #{version} 更正）",
    "on the ground of {grounds}": "依据 {grounds}",
    "known since {time}": "{time} 才得知",
    "As of {at}.": "截至 {at}。",
    "By what was known at {known_at}.": "按 {known_at} 时所知。",
    "[personal data was erased]": "［个人信息已删除］",
    "yes": "是",
    "no": "否",
    "overdue": "已超时",
    "Next": "下一步",
    "In their words": "原话",
}
