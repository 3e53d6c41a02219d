// An output that follows something that goes on: updated in place, seldom enough not to disturb what it follows.
import { randomUUID } from 'node:crypto'
import { bundleOf, type MimeBundle } from './bundle.js'
import { frontEnd } from './front-end.js'

export interface LiveOptions {
  /** Least milliseconds between two updates. Default 200. */
  interval?: number
  /** The most of the time that drawing may take; slower drawings come less often. Default 0.02. */
  share?: number
  id?: string
}

export interface LiveDisplay {
  readonly id: string
  /** Milliseconds spent on drawing and sending so far. */
  readonly cost: number
  /** Takes the newest content, or better a function that makes it: it is called only when the turn has come. Never throws for a drawing that fails. */
  update(content: Content): void
  /** Shows the last content, whatever the interval; resolves when the front end has it. Later updates start again. */
  close(content?: Content): Promise<void>
}

/** However slow the drawing: somebody may be looking. */
const longestWait = 2000

type Content = unknown | (() => unknown)

/**
 * The first content is shown at once; afterwards at most every `interval` milliseconds, and always the newest.
 *
 * @example
 * const live = liveDisplay()
 * for await (const event of run) live.update(() => trainingView(record.add(event)).whole)
 * await live.close()
 */
export function liveDisplay({ interval = 200, share = 0.02, id = `live-${randomUUID()}` }: LiveOptions = {}): LiveDisplay {
  let pending: { content: Content } | undefined
  let timer: NodeJS.Timeout | undefined
  let shown = false, next = 0, cost = 0, before = 0
  let sending: Promise<void> = Promise.resolve()

  const draw = (content: Content, closing: boolean): void => {
    const start = performance.now()
    const value: unknown = typeof content === 'function' ? content() : content
    const send = (bundle: MimeBundle) => {
      const front = frontEnd()
      const update = shown && !(closing && front.name === 'terminal' && !process.stdout.isTTY)
      shown = true
      return front.show(bundle, { id, update })
    }
    const bundle = bundleOf(value)
    const sent = bundle instanceof Promise ? bundle.then(send) : send(bundle)
    const spent = performance.now() - start
    cost += spent
    // the quicker of the last two: a first drawing, not compiled yet, or one that another process held up says little
    next = performance.now() + Math.max(interval, Math.min(Math.min(spent, before) / share, longestWait))
    before = spent
    // in order, also where the front end takes its time
    if (sent instanceof Promise) sending = Promise.all([sending, sent]).then(() => {})
  }

  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    const now = pending
    pending = undefined
    if (!now) return
    try {
      draw(now.content, false)
    } catch (error) {
      // what is followed is worth more than its picture; the last one, in close(), does throw
      next = performance.now() + 10 * interval
      if (!shown) void frontEnd().show({ 'text/plain': `Cannot draw: ${error instanceof Error ? error.message : String(error)}` }, { id, update: false })
      shown = true
    }
    sending.catch(() => {})
  }

  return {
    id,
    get cost() { return cost },
    update(content) {
      pending = { content }
      const wait = next - performance.now()
      if (wait <= 0) flush()
      else timer ??= setTimeout(flush, wait).unref()
    },
    async close(content) {
      clearTimeout(timer)
      timer = undefined
      const last = content === undefined ? pending : { content }
      pending = undefined
      if (last) draw(last.content, true)
      await sending
    },
  }
}
