import type { ReactNode } from 'react'
import type { UsageLimits } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { compare, permille } from '../decimal.js'
import { isMessage } from '../messages.js'
import { Badge, type Tone } from '../primitives/badge.js'
import { Button } from '../primitives/button.js'
import { Quantity } from '../primitives/figures.js'
import type { IconName } from '../primitives/icon.js'

/** A meter's limit and how it stands. */
export type MeterLimit = UsageLimits['limits'][number]

/** The meter it is of. */
export interface QuotaBarProps {
  readonly quota: MeterLimit
  /** What is counted is what there is at the moment, such as seats, and not what a period adds up. */
  readonly isLevel?: boolean
  /** Shown where the limit hurts. */
  readonly onUpgrade?: (() => void) | undefined
}

/** How far a meter is used: within its limit, near it, at it, or refused beyond it. */
export function QuotaBar({ quota, isLevel = false, onUpgrade }: QuotaBarProps): ReactNode {
  const { text, format, nameOf } = useBilling()
  const { status, used, held, meter, resets_at } = quota
  const limit = boundOf(quota)
  const name = nameOf(meter)
  const share = limit === null ? 0 : Math.min(1_000, permille(used, limit))
  const look = looks[status] ?? looks.below_quota
  const isFull = limit !== null && compare(used, limit) >= 0
  // What was refused asked for more than was left: smaller requests go through.
  const key = status === 'throttled' && !isFull ? 'quota.refused' : `quota.${status}`
  const isNear = status === 'near_quota' || status === 'at_quota' || status === 'throttled'
  return (
    <div className={`billfold-quota billfold-tone-${look?.tone ?? 'neutral'}`}>
      <div className="billfold-quota-head">
        <span className="billfold-strong">{name}</span>
        <span className="billfold-quota-figure">
          {limit === null ? (
            text('quota.used', { used: format.number(used) })
          ) : (
            <>
              <Quantity value={used} /> / <Quantity value={limit} />
            </>
          )}
        </span>
      </div>
      {limit !== null && (
        <div
          className="billfold-bar"
          role="progressbar"
          aria-label={name}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.floor(share / 10)}
          aria-valuetext={text('quota.usedOf', { used: format.number(used), limit: format.number(limit) })}
        >
          <span style={{ inlineSize: `${share / 10}%` }} />
        </div>
      )}
      <div className="billfold-quota-foot">
        {isNear && isMessage(key) && (
          <Badge tone={look?.tone ?? 'neutral'} icon={look?.icon ?? 'dot'}>
            {text(key)}
          </Badge>
        )}
        <span className="billfold-muted">{explained(quota, limit, isLevel, { text, format })}</span>
        {compare(held, 0) > 0 && (
          <span className="billfold-muted">{text('quota.held', { held: format.number(held) })}</span>
        )}
        {!isNear && limit !== null && !isLevel && (
          <span className="billfold-muted">{text('quota.resets', { date: format.date(resets_at) })}</span>
        )}
        {isNear && onUpgrade && (
          <Button variant={status === 'near_quota' ? 'secondary' : 'primary'} onClick={onUpgrade}>
            {text('usage.upgrade')}
          </Button>
        )}
      </div>
    </div>
  )
}

const looks: Readonly<Record<string, { readonly tone: Tone; readonly icon: IconName }>> = {
  below_quota: { tone: 'neutral', icon: 'check' },
  near_quota: { tone: 'warning', icon: 'warning' },
  at_quota: { tone: 'danger', icon: 'danger' },
  throttled: { tone: 'danger', icon: 'stop' },
}

/** The limit, or what the plan includes where nothing else bounds it; `null` for none. */
function boundOf({ limit, included }: MeterLimit): string | null {
  if (limit !== null) return limit
  return included === 'unlimited' || compare(included, 0) === 0 ? null : included
}

function explained(
  quota: MeterLimit,
  limit: string | null,
  isLevel: boolean,
  { text, format }: Pick<ReturnType<typeof useBilling>, 'text' | 'format'>,
): string {
  const { status, used, remaining, resets_at } = quota
  const date = format.date(resets_at)
  if (limit === null) return quota.included === 'unlimited' ? text('unit.unlimited') : ''
  if (status === 'throttled') {
    const isFull = compare(used, limit) >= 0
    return text(isFull ? 'quota.throttledText' : 'quota.refusedText', { date, left: format.number(remaining ?? limit) })
  }
  if (isLevel) return text('quota.now', { used: format.number(used), limit: format.number(limit) })
  if (status === 'at_quota') return text('quota.reached', { date })
  const left = text('quota.left', { left: format.number(remaining ?? limit), limit: format.number(limit) })
  const end = status === 'near_quota' ? runsOutAt(quota, limit) : null
  return end === null ? left : `${left}. ${text('quota.runsOut', { date: format.date(end) })}`
}

const dayMs = 86_400_000

/** When the limit is reached if it goes on as since the period began; `null` where the period ends before. */
function runsOutAt({ period_start, resets_at, used }: MeterLimit, limit: string): string | null {
  const start = Date.parse(period_start)
  const share = permille(used, limit)
  // A day says nothing of a month.
  if (share === 0 || Date.now() - start < dayMs) return null
  const end = start + ((Date.now() - start) * 1_000) / share
  return end < Date.parse(resets_at) && end > Date.now() ? new Date(end).toISOString() : null
}
