"""What the values of enumerations are called: value, or Class.value | Chinese | English."""

VALUES = """
# actors and parties
person | 人员
system | 系统
rule | 规则
agent | 客服
supervisor | 主管
admin | 管理员
buyer | 买家
supplier | 供应商
carrier | 快递
platform | 平台
warehouse | 仓库
service | 系统
shop | 商家
department | 部门
merchant | 商家
undetermined | 未定
RootCause.service | 服务
Basis.supervisor | 主管裁定
Action.rule | 等待平台裁决 | ruling by the platform
Channel.platform | 平台
PolicyKind.shop | 店铺
douyin | 抖音 | Douyin
kuaishou | 快手 | Kuaishou
taobao | 淘宝 | Taobao
other | 其他
# problem types and stages
quality_defect | 质量问题
not_as_described | 与描述不符
size_fit | 尺寸不合
damaged | 破损
missing_item | 少发
wrong_item | 错发
delayed | 延迟
lost | 丢件
return_dispute | 退换货问题
service_attitude | 服务态度
no_reason | 七天无理由
changed_mind | 不想要了
unshipped | 未发货
in_transit | 运输中
delivered | 已签收
# resolutions and duties
refund_full | 全额退款 | full refund
refund_partial | 部分退款 | partial refund
refund_missing_part | 退缺少部分 | refund of the missing part
return_and_refund | 退货退款
exchange | 换货
reship | 补发
repair | 维修
compensation_only | 仅补偿
decline | 拒绝
refund | 退款
return | 退货
dispatch | 发货
goodwill | 补偿
# contacts and evidence
im | 即时消息 | IM
phone | 电话
wechat | 微信 | WeChat
service_desk | 客服系统
message | 消息
auto_greeting | 自动问候
answered_call | 已接通电话
unanswered_call | 未接通电话
apology | 致歉
to_buyer | 发给买家 | to the buyer
from_buyer | 来自买家 | from the buyer
photo | 照片
video | 视频
screenshot | 截图
recording | 录音
report | 报告
document | 文件
low | 低
medium | 中
high | 高
normal | 普通
urgent | 紧急
coupon | 优惠券
member_perk | 会员权益
red_packet | 红包
gift | 赠品
# declines, proposals, obligations
outside_window | 超过售后期限
no_defect_found | 未发现缺陷
unfit_for_resale | 影响二次销售
no_evidence | 无证据
duplicate | 重复
abuse | 恶意
nothing_left | 无可退金额 | nothing left to refund
accepted | 已接受
supplemented | 已补充
called_platform | 已找平台
overtaken | 已被新进展取代
declined | 已拒绝
withdrawn | 已撤销
lapsed | 已失效
superseded | 已被取代
fulfilled | 已履行
waived | 已放弃
InspectionFinding.accepted | 合格
# returns, refunds, replacements, repairs
agreed | 已约定
shipped | 已寄出
received | 已收到
inspected | 已验货
sent_back | 已寄回
incomplete | 不完整
unfit | 影响二次销售
wrong | 错货
empty | 空包
requested | 已发起
unknown | 未知
succeeded | 成功
failed | 失败
reversed | 已退回
agreement | 协议
ruling | 裁决
automatic | 自动审批
dispatched | 已发出
ordered | 已安排
completed | 已完成
Exemption.requested | 已申请
AppraisalStep.requested | 已请求
reserved | 已预留
settled | 已了结
released | 已释放
cancelled | 已取消
intercepted | 已拦截
underway | 在途
# appraisal and liability
admitted | 承认
denied | 否认
inconclusive | 无结论
held | 供应商持有 | held by the supplier
answered | 已答复
independent | 第三方鉴定
shop_accepts | 商家接受
final_contested | 定责（有争议）
claim | 单方主张
mutual | 双方认可
admission | 承认
Exemption.denied | 已驳回
# platform, evaluation, outcome
split | 双方分担
positive | 好评
neutral | 中评
negative | 差评
solved | 已解决
ruled_for_buyer | 平台判买家胜 | ruled for the buyer
ruled_for_shop | 平台判商家胜 | ruled for the shop
product | 商品
description | 描述
packaging | 包装
picking | 拣货
stock | 库存
process | 流程
training | 培训
unfiled | 尚无反馈
open | 处理中
closed | 已结案
joined | 已并入另一单
none | 无
eligible | 符合豁免
not_eligible | 不符合豁免
suspended | 已暂停
granted | 已批准
# clocks
first_response | 首次联系
first_solution | 首次方案
execution | 执行
inspection | 验货
progress_update | 每日跟进
appraisal | 供应商鉴定
answer | 买家答复
return_shipment | 买家寄回
return_transit | 退货运输
delegated_follow_up | 部门跟进
running | 计时中
paused | 已暂停
satisfied | 已达成
platform_deadline | 平台时限
priority | 优先级
policy_command | 按新规则
earlier_complaint | 更早的反馈
24x7 | 全天候 | 24×7
# divergences
unknown_case | 售后单未知
unknown_order | 订单未知
unknown_refund | 退款未知
over_refunded | 退款超额
refund_amount | 退款金额不符 | refund's amount
refund_state | 退款状态不符 | refund's state
case_ended | 售后单已结束
ruling_contradicts | 裁决与协议矛盾
unexpected_return | 未约定的退货
return_state | 退货状态不符 | return's state
intercept_failed | 拦截失败
unexpected_appraisal | 未请求的鉴定
unexpected_shipment | 未约定的发货
platform_ended | 平台已结束 | ended by the platform
# next actions
check_payout | 核对付款
settle_divergence | 处理不一致
support_platform | 配合平台
contact_buyer | 联系买家
verify | 核实
propose | 提出方案
answer_counter | 回应还价
review_supplement | 审核补充材料
inspect | 验货
decide_return | 处理退货
agree_return_address | 约定退货地址
pay | 退款
await_payout | 等待到账
grant_goodwill | 发放补偿
decide_by_hand | 人工判定
claim_from_carrier | 向快递索赔
name_supplier | 补充供应商
settle_appraisal | 了结鉴定
follow_up | 差评跟进
classify | 登记分类
close | 结案
answer_proposal | 答复方案
answer_decline | 回应拒绝
ship_return | 寄回商品
confirm | 确认解决
deliver_return | 送回退货
deliver | 送达
finish_handed_work | 完成转交工作
give_verdict | 给出鉴定结论
file_complaint | 补登反馈
check_facts_of_alias | 核对该单号的事实 | check the alias's facts
agree_wait_or_return | 与买家约定等待或退货
check_appraisal | 核对鉴定
check_intercepted_parcel | 核对被拦截的包裹
check_items | 核对商品项
check_platform | 到平台核对
check_refund | 核对退款
check_return | 核对退货
check_shipment | 核对发货
decide_late_return | 处理迟到的退货
finish_case | 办完并结案
identify_return | 确认是哪次退货
link_order | 关联订单
order_repair | 安排维修
pay_again | 重新付款
recover_overpayment | 追回多付金额
reopen_case | 重新开启售后单
withdraw_carrier_claim | 撤回快递索赔
# judgements about the exemption
not_agreed | 未达成一致
clocks_met | 时限均达成
clock_breached | 有超时
remedy_told | 已告知补救
remedy_not_told | 未告知补救
forgiven | 买家已谅解
not_forgiven | 买家未谅解
evaluation_negative | 差评 | negative evaluation
evaluation_not_negative | 无差评 | no negative evaluation
ruled_against_shop | 平台判商家败 | ruled against the shop
not_ruled_against_shop | 平台未判商家败 | not ruled against the shop
# automatic refunds and policies
approve | 批准
reject | 拒绝
not_needed | 不需要
sufficient | 充分
insufficient | 不足
contradictory | 矛盾
returned | 已退回
pending | 待定
passed | 通过
window | 售后期限
evidence | 证据要求
refund_automation | 自动退款
ladder | 补偿阶梯
silence | 沉默处理
sla_targets | 时限目标
procedure | 流程规范
"""
