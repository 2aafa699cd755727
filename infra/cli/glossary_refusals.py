"""What each refusal code means: code | Chinese. The English is the refusal's own message."""

REFUSALS = """
# the message itself
broken_json | 不是有效的 JSON。
broken_text | 文字中有无法保存的字符。
broken_row | 这一行不是有效的表格行。
field_invalid | 字段的值不符合要求。
field_missing | 缺少必填字段。
field_unknown | 没有这个字段。
message_id_reused | 同一消息编号曾用于其他内容。
message_too_large | 消息过大。
quarantined | 相关数据暂时被隔离，无法判定。
time_without_zone | 时间缺少时区。
unknown_type | 没有这种消息类型。
value_unknown | 没有这个取值。
wrong_encoding | 编码不符。
# amounts, times, numbers
amount_unreadable | 无法识别的金额。
count_unreadable | 无法识别的数量。
id_unreadable | 不能作为编号或名称。
money_negative | 金额不能为负。
money_not_exact | 金额须写成十进制字符串。
money_not_finite | 金额须是有限的数。
money_over_precise | 金额的小数位多于该币种。
money_too_large | 金额过大。
not_finite | 须是有限的数。
number_lost_digits | 长编号已被表格软件截断；请将该列按文本导出。
time_in_future | 时间尚未到来。
time_in_gap | 该时区因夏令时没有这一时刻。
time_unreadable | 无法识别的日期时间。
wrong_currency | 币种与订单不一致。
zone_unknown | 没有这个时区。
# files
column_repeated | 文件中有重复的列。
empty_file | 文件为空。
file_not_found | 文件不存在。
file_too_large | 文件过大。
file_unreadable | 文件无法读取。
missing_column | 文件缺少必需的列。
not_a_file | 不是文件。
not_xlsx | 不是 XLSX 工作簿。
shop_missing | 文件没有店铺，请用 --shop 指定。
shop_unusable | 不能作为店铺名。
unknown_encoding | 不支持的编码。
unknown_zone | 没有这个时区。
# cases
alias_taken | 该单号属于另一售后单。
already_delivered | 商品已签收，无需等待。
case_ended | 售后单已结束，请先重新开启。
case_has_dealings | 该售后单已有方案、付款或裁决，请先结束它。
date_in_past | 等待的日期须在将来。
evidence_id_reused | 该证据编号属于另一份证据。
evidence_missing | 缺少核实所需的证据。
evidence_named_twice | 同一证据编号出现两次。
handover_id_reused | 该转交编号属于另一项工作。
item_named_twice | 同一商品项出现两次。
note_empty | 备注没有内容。
open_case_on_item | 该商品已有处理中的售后单，请先关联订单。
order_already_linked | 售后单已关联另一订单，请先更正。
other_order | 该单号属于另一订单。
other_shop | 该单号属于另一店铺。
priority_lowered | 优先级只升不降。
quantity_exceeds_bought | 数量超过购买数量。
role_not_allowed | 该角色无权操作。
shipment_ended | 该包裹已不在途中。
unknown_case | 没有这张售后单。
unknown_evidence | 没有这份证据。
unknown_handover | 没有这项转交工作。
unknown_item | 售后单没有这个商品项。
unknown_platform | 没有这个平台。
# negotiation
already_agreed | 该商品项已有解决方案。
amendment_incomplete | 变更须包含该义务的全部商品项。
amount_missing | 退款须按订单行写明金额。
amount_not_allowed | 该方案不涉及退款；补偿另计。
amount_zero | 金额须大于零。
decline_is_no_part | 拒绝须写明理由，不能作为方案的一部分。
goodwill_missing | 补偿须写明金额。
item_not_offered | 方案不含该商品项。
line_named_twice | 同一订单行出现两次。
line_not_in_case | 售后单不涉及该订单行。
line_not_of_items | 该订单行不属于方案的商品项。
line_repeated | 同一订单行出现两次。
nothing_to_return | 商品未发货，无可退回。
part_not_divisible | 该方案须整体接受。
parts_conflict | 已整体退款的商品项不能再有其他方案。
resolution_implausible | 该方案不能解决此问题类型。
# payments
action_key_in_flight | 该付款正在进行，请等待结果。
action_key_paid | 该付款已完成。
action_key_reused | 该付款键属于另一笔付款。
action_key_reversed | 该付款已被退回，请用新的付款键。
budget_exhausted | 当日自动退款预算不足。
budget_key_reused | 该付款键已占用当日预算。
cap_not_stated | 规则未设定该币种的上限。
freight_is_the_buyers | 退货运费由用户承担。
goodwill_exceeds_cap | 补偿超过上限。
not_a_refund | 该义务不是退款。
not_goodwill | 该义务不是补偿。
nothing_owed | 约定金额已付清或正在支付。
obligation_ended | 该义务已结束。
payout_in_flight | 有付款正在进行，请等待结果。
payout_without_ground | 付款须有协议、裁决或自动审批。
refund_exceeds_obligation | 退款超过约定金额。
refund_exceeds_paid | 退款超过实付可退金额。
return_not_shipped | 用户尚未寄出退货。
skip_reason_missing | 跳过补偿档位须写明原因。
unknown_line | 订单没有这一行。
unknown_obligation | 售后单没有这项义务。
unknown_order | 订单未知。
unknown_return | 售后单没有这次退货。
# orders, budgets, policies
correction_empty | 更正没有内容。
coupon_exceeds_price | 平台券超过商品金额。
discount_exceeds_price | 优惠超过商品金额。
document_empty | 规则文件没有内容。
effective_in_past | 规则不能追溯生效。
reject_needs_hard_ground | 规则只有拒绝时才写硬性理由，拒绝时必须写。
rule_repeated | 规则名称重复。
scope_incomplete | 类目规则须指明店铺。
"""
