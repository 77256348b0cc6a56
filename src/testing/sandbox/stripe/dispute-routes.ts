import * as z from 'zod'
import { changed } from './customers.js'
import { closeDispute, type Dispute, disputes, noEvidence, saveDispute, withdraw } from './disputes.js'
import { invalidRequest, notFound } from './errors.js'
import { emit } from './events.js'
import { clearable, flag, isWithin, mergeMetadata, metadata, paging, text, timeRange, tolerated } from './form.js'
import { listPage, noParameters, route } from './route.js'
import type { StripeWorld } from './world.js'

const written = Object.keys(noEvidence).filter((name) => name !== 'enhanced_evidence')
const evidence = z.strictObject({
  ...Object.fromEntries(written.map((name) => [name, clearable(z.string().max(20_000)).optional()])),
  ...tolerated('enhanced_evidence'),
})

export const disputeRoutes = [
  route(
    'GET /v1/disputes',
    z.strictObject({
      ...paging,
      charge: text.optional(),
      payment_intent: text.optional(),
      created: timeRange.optional(),
    }),
    ({ world, params }) =>
      listPage(
        '/v1/disputes',
        [...disputes(world).values()].filter(
          (dispute) =>
            (params.charge === undefined || params.charge === dispute.charge) &&
            (params.payment_intent === undefined || params.payment_intent === dispute.payment_intent) &&
            isWithin(params.created, dispute.created),
        ),
        params,
      ),
  ),
  route('GET /v1/disputes/:id', noParameters, ({ world, path }) => requireDispute(world, path.id)),
  route(
    'POST /v1/disputes/:id',
    z.strictObject({ evidence: evidence.optional(), submit: flag.optional(), metadata }),
    ({ world, path, params }) => {
      const before = requireDispute(world, path.id)
      if (params.evidence !== undefined && !isOpen(before)) {
        throw invalidRequest(`This dispute is already closed`, { code: 'dispute_closed' })
      }
      const given = params.evidence as Partial<Dispute['evidence']> | undefined
      const stored: Dispute = {
        ...before,
        evidence: { ...before.evidence, ...given },
        metadata: mergeMetadata(before.metadata, params.metadata),
      }
      // Evidence is submitted at once unless it is only to be staged.
      const submits = given !== undefined && params.submit !== false
      const after = submits ? submitted(stored) : staged(stored, given !== undefined)
      disputes(world).put(after.id, after)
      emit(world, 'charge.dispute.updated', after, changed(before, after))
      return submits ? decide(world, after) : after
    },
  ),
  route('POST /v1/disputes/:id/close', noParameters, ({ world, path }) => {
    const dispute = requireDispute(world, path.id)
    if (!isOpen(dispute)) throw invalidRequest('This dispute is already closed', { code: 'dispute_closed' })
    return closeDispute(world, dispute, dispute.status.startsWith('warning') ? 'warning_closed' : 'lost')
  }),
]

function requireDispute(world: StripeWorld, id = ''): Dispute {
  const dispute = disputes(world).get(id)
  if (dispute === undefined) throw notFound('dispute', id, 'dispute')
  return dispute
}

function isOpen({ status }: Dispute): boolean {
  return !['won', 'lost', 'warning_closed'].includes(status)
}

function staged(dispute: Dispute, hasEvidence: boolean): Dispute {
  const { evidence_details: details } = dispute
  return { ...dispute, evidence_details: { ...details, has_evidence: details.has_evidence || hasEvidence } }
}

function submitted(dispute: Dispute): Dispute {
  const { evidence_details: details } = dispute
  return {
    ...dispute,
    status: dispute.status.startsWith('warning') ? 'warning_under_review' : 'under_review',
    evidence_details: {
      ...details,
      has_evidence: true,
      submission_count: details.submission_count + 1,
      submission_method: 'manual',
    },
  }
}

/** The test values that stand for the bank's decision; other evidence stays under review. */
function decide(world: StripeWorld, dispute: Dispute): Dispute {
  const inquiry = dispute.status.startsWith('warning')
  const text = dispute.evidence.uncategorized_text
  if (text === 'winning_evidence') return closeDispute(world, dispute, inquiry ? 'warning_closed' : 'won')
  if (text === 'losing_evidence') return closeDispute(world, dispute, inquiry ? 'warning_closed' : 'lost')
  if (text === 'escalate_inquiry_evidence' && inquiry) {
    const card = { ...dispute.payment_method_details.card, case_type: 'chargeback' }
    const escalated: Dispute = {
      ...dispute,
      status: 'needs_response',
      is_charge_refundable: false,
      payment_method_details: { ...dispute.payment_method_details, card },
    }
    return withdraw(world, saveDispute(world, escalated, 'charge.dispute.updated'))
  }
  return dispute
}
