"""What each event is called: name (without its version) | Chinese | English."""

EVENTS = """
case.complaint_filed | 用户反馈 | Complaint filed
case.complaint_joined | 再次反馈，并入本单 | A further complaint joined
case.complaint_referred | 反馈转入另一售后单 | Complaint went on in another case
case.alias_learned | 得知另一单号 | Another number learnt
case.order_linked | 关联订单 | Order linked
case.contact_recorded | 联系买家 | Contact with the buyer
case.wait_agreed | 买家同意等待 | The buyer agreed to wait
case.intercept_requested | 申请拦截包裹 | Intercept requested
case.intercept_ended | 拦截结束 | Intercept ended
case.order_verified | 核实订单 | Order verified
case.item_verified | 核实商品 | Item verified
case.evidence_attached | 提交证据 | Evidence attached
case.evidence_hold_changed | 变更证据保全 | Evidence hold changed
case.dissatisfaction_recorded | 记录不满程度 | Dissatisfaction recorded
case.priority_raised | 提高优先级 | Priority raised
case.note_added | 备注 | Note
case.assigned | 分配 | Assigned
case.work_handed_over | 转交部门 | Work handed over
case.handed_work_done | 部门处理完成 | Handed-over work done
case.auto_refund_decided | 自动退款判定 | Automatic refund decided
case.resolution_proposed | 提出解决方案 | Solution proposed
case.proposal_ended | 方案结束 | Proposal ended
case.agreement_reached | 达成一致 | Agreement reached
case.obligation_ended | 义务结束 | Obligation ended
case.obligation_reopened | 义务重新开启 | Obligation open again
case.complaint_declined | 拒绝售后 | Complaint declined
case.decline_answered | 买家回应拒绝 | Decline answered
case.return_address_agreed | 约定退货地址 | Return address agreed
case.return_shipped | 买家寄出退货 | Return shipped
case.return_received | 收到退货 | Return received
case.return_inspected | 验货 | Return inspected
case.return_sent_back | 退货寄回买家 | Return sent back
case.return_lost | 退货丢失 | Return lost
case.return_lapsed | 逾期未退货 | Return lapsed
case.carrier_claim_filed | 向快递索赔 | Carrier claim filed
case.deduction_agreed | 约定扣减 | Deduction agreed
case.return_freight_reimbursed | 补退货运费 | Return freight reimbursed
case.refund_requested | 发起退款 | Refund requested
case.refund_succeeded | 退款成功 | Refund succeeded
case.refund_failed | 退款失败 | Refund failed
case.refund_unknown | 退款结果未知 | Refund's result unknown
case.refund_reversed | 退款被退回 | Refund bounced
case.replacement_dispatched | 补发/换货已发出 | Replacement dispatched
case.replacement_delivered | 补发/换货已签收 | Replacement delivered
case.repair_ordered | 安排维修 | Repair ordered
case.repair_item_received | 收到维修品 | Item for repair received
case.repair_completed | 维修完成 | Repair completed
case.repair_sent_back | 维修品已寄回 | Repaired item sent back
case.goodwill_granted | 给予补偿 | Goodwill granted
case.supplier_named | 确定供应商 | Supplier named
case.supplier_name_asked_for | 供应商未知，待补充 | Supplier unknown, name asked for
case.appraisal_requested | 请供应商鉴定 | Appraisal requested
case.appraisal_material_received | 供应商收到鉴定材料 | Appraisal material received
case.appraisal_verdict_given | 鉴定结论 | Appraisal verdict
case.independent_appraisal_ordered | 委托第三方鉴定 | Independent appraisal ordered
case.appraisal_settled | 鉴定了结 | Appraisal settled
case.liability_found | 定责 | Liability found
case.liability_rescinded | 撤销定责 | Liability rescinded
case.platform_help_asked | 向平台求助 | Platform asked for help
case.platform_intervened | 平台介入 | Platform intervened
case.platform_ruled | 平台裁决 | Platform ruled
case.platform_deadline_set | 平台设定时限 | Platform's deadline set
case.platform_status_observed | 平台状态 | Platform's state observed
case.solution_confirmed | 买家确认解决 | Solution confirmed
case.round_opened | 开启新一轮 | New round opened
case.evaluation_invited | 邀请评价 | Evaluation invited
case.evaluated | 买家评价 | Evaluated
case.follow_up_opened | 开启差评跟进 | Follow-up opened
case.follow_up_done | 差评跟进完成 | Follow-up done
case.classified | 登记分类 | Classified
case.improvement_noted | 记录改进 | Improvement noted
case.closed | 结案 | Closed
case.withdrawn | 撤销 | Withdrawn
case.reopened | 重新开启 | Reopened
case.remedy_told | 已告知补救 | Remedy told to the buyer
case.forgiveness_recorded | 买家谅解 | Forgiveness recorded
case.exemption_judged | 豁免判定 | Exemption judged
case.exemption_suspended | 豁免暂停 | Exemption suspended
case.exemption_requested | 申请豁免 | Exemption requested
case.exemption_decided | 豁免结果 | Exemption decided
case.exemption_tag_observed | 平台豁免标记 | Platform's exemption tag observed
case.divergence_found | 发现不一致 | Divergence found
case.divergence_settled | 不一致已处理 | Divergence settled
case.entry_corrected | 更正记录 | Entry taken back
case.backdating_confirmed | 补录时间经他人确认 | Backdating confirmed
case.clock_started | 开始计时 | Clock started
case.clock_satisfied | 计时达成 | Clock satisfied
case.clock_paused | 计时暂停 | Clock paused
case.clock_resumed | 计时恢复 | Clock resumed
case.clock_restarted | 计时重新开始 | Clock restarted
case.clock_breached | 超时 | Clock breached
case.breach_retracted | 超时撤回 | Breach retracted
case.clock_cancelled | 计时取消 | Clock cancelled
case.clock_retargeted | 调整时限 | Clock retargeted
case.claimed | 领取 | Claimed
case.claim_renewed | 领取续期 | Claim renewed
case.claim_released | 放回队列 | Claim released
case.claim_lapsed | 领取过期 | Claim lapsed
case.claim_handed_over | 转交 | Handed over
case.claim_overridden | 主管收回 | Claim overridden
order.order_recorded | 订单登记 | Order recorded
order.order_corrected | 订单更正 | Order corrected
order.shipment_recorded | 发货 | Shipment recorded
order.shipment_corrected | 发货更正 | Shipment corrected
order.delivery_recorded | 签收 | Delivery recorded
order.delivery_corrected | 签收更正 | Delivery corrected
order.shipment_outcome_recorded | 包裹异常结束 | Parcel's outcome recorded
order.shipment_outcome_corrected | 包裹异常结束更正 | Parcel's outcome corrected
order.refund_reserved | 预留退款 | Refund reserved
order.refund_settled | 退款入账 | Refund settled
order.refund_released | 释放预留 | Refund released
order.refund_reversed | 退款冲回 | Refund reversed
order.goodwill_booked | 补偿入账 | Goodwill booked
order.freight_reimbursed | 运费入账 | Freight reimbursed
order.case_opened_on_order | 订单有售后单 | Case opened on the order
order.case_ended_on_order | 订单的售后单结束 | Case ended on the order
budget.budget_set | 设定当日预算 | Day's budget set
budget.budget_reserved | 预留预算 | Budget reserved
budget.budget_released | 释放预算 | Budget released
budget.budget_spent | 预算支出 | Budget spent
agent.lease_held | 客服持有售后单 | Agent holds a case
agent.lease_ended | 客服不再持有 | Agent's hold ended
policy.published | 发布规则 | Policy published
supplier.supplier_registered | 登记供应商 | Supplier registered
product.product_registered | 登记商品 | Product registered
"""
