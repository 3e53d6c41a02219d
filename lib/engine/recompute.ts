// Gradient checkpointing (Chen et al. 2016): the forward pass is cut where one differentiated tensor passes, only these tensors are kept, and
// each part is computed again when its gradients are due. Where to cut is here, and the gradients part by part.
import type { Graph, Node } from './graph.js'
import { Replay } from './replay.js'
import type { Entry } from './tape.js'

/** A stretch of the forward pass that begins with one differentiated tensor (none at the start) and ends with the next one's. */
export interface Part { entries: readonly Entry[]; from: number | undefined; to: number }

const bytes = ({ outputs }: Entry) => outputs.reduce((sum, { shape }) => sum + 4 * shape.reduce((size, length) => size * length, 1), 0)

/**
 * Cuts the entries into parts of about equal size. With n bytes of activations and b bytes at a cut, √(n / b) parts hold least:
 * what is kept at the cuts and the one part at work are then alike.
 * @param variables numbers of what is trained
 * @param loss the number of what is differentiated
 */
export function partsOf(entries: readonly Entry[], variables: ReadonlySet<number>, loss: number): Part[] {
  const path = Replay.needed(entries, [loss]), differentiated = new Set<number>(), lastUse = new Map<number, number>(), place = new Map(entries.map((entry, i) => [entry, i]))
  for (const entry of path) {
    if (entry.inputs.some((id) => variables.has(id) || differentiated.has(id))) for (const { id } of entry.outputs) differentiated.add(id)
    for (const id of entry.inputs) if (differentiated.has(id)) lastUse.set(id, place.get(entry)!)
  }
  const alive = new Set<number>(), cuts: { at: number; id: number; before: number; size: number }[] = []
  let before = 0
  entries.forEach((entry, i) => {
    before += bytes(entry)
    for (const { id } of entry.outputs) if (lastUse.has(id)) alive.add(id)
    for (const id of [...entry.inputs]) if (lastUse.get(id) === i) alive.delete(id)
    const [id] = alive
    const made = entry.outputs.find((output) => output.id === id)
    if (alive.size === 1 && made) cuts.push({ at: i + 1, id: id!, before, size: 4 * made.shape.reduce((size, length) => size * length, 1) })
  })
  const typical = [...cuts].map(({ size }) => size).sort((a, b) => a - b)[Math.floor(cuts.length / 2)]
  if (!typical) return [{ entries, from: undefined, to: loss }]
  const share = before / Math.sqrt(before / typical), parts: Part[] = []
  let start = 0, from: number | undefined, done = 0
  for (const cut of cuts) {
    if (cut.before - done < share) continue
    parts.push({ entries: entries.slice(start, cut.at), from, to: cut.id })
    ;[start, from, done] = [cut.at, cut.id, cut.before]
  }
  return [...parts, { entries: entries.slice(start), from, to: loss }]
}

/** Plays the parts, and gives `gradients` what it needs to go back through them. */
export class PartByPart {
  readonly #values: ReadonlyMap<number, Node>
  readonly #last: Part
  readonly #before: readonly Part[]

  /**
   * @param variables nodes of the trained variables' values, by number
   * @param taken filled as the last part is played: tensors that stand for a variable, whose gradients are wanted in its place
   */
  constructor(readonly graph: Graph, readonly replay: Replay, parts: readonly Part[], variables: ReadonlyMap<number, Node>, readonly taken: ReadonlyMap<number, { variable: number }>) {
    this.#values = variables
    this.#last = parts.at(-1)!
    this.#before = parts.slice(0, -1)
    for (const { entries } of this.#before) replay.play(entries)
    // Nodes of their own, so that the way back ends at the cut also for variables that earlier parts use as well.
    if (this.#before.length) for (const [id, value] of variables) replay.where.set(id, graph.op('Identity', [value])[0]!)
    replay.play(this.#last.entries)
  }

  /** The gradients of a scalar made from the loss, by number of the variable; none where the loss does not depend on it. */
  gradients(loss: Node): Map<number, Node> {
    const { graph, replay } = this, found = new Map<number, Node[]>()
    const back = ({ entries, from, to }: Part, where: ReadonlyMap<number, Node>, y: Node, slope?: Node): Node | undefined => {
      const used = new Set([to, ...Replay.needed(entries, [to]).flatMap(({ inputs }) => inputs)])
      const replaced = new Set([...this.taken.values()].map(({ variable }) => variable))
      const ids = [...(from === undefined ? [] : [from]), ...[...this.#values.keys()].filter((id) => !replaced.has(id)), ...this.taken.keys()].filter((id) => used.has(id) || id === from)
      if (ids.length === 0) return undefined
      const slopes = graph.gradients(y, ids.map((id) => where.get(id)!), slope)
      ids.forEach((id, i) => { if (slopes[i] && id !== from) found.set(id, [...found.get(id) ?? [], slopes[i]!]) })
      return from === undefined ? undefined : slopes[0]
    }
    let slope = back(this.#last, replay.where, loss)
    for (const part of [...this.#before].reverse()) {
      if (!slope) break
      const where = this.#again(part, slope)
      slope = back(part, where, where.get(part.to)!, slope)
    }
    return new Map([...found].map(([id, slopes]) => [id, slopes.length === 1 ? slopes[0]! : graph.op('AddN', [slopes])[0]!]))
  }

  /** The part once more, not before the gradient of what it makes is there. */
  #again({ entries, to }: Part, after: Node): ReadonlyMap<number, Node> {
    const { graph, replay } = this, path = Replay.needed(entries, [to]), own = new Set(path.flatMap(({ outputs }) => outputs.map(({ id }) => id)))
    const outside = new Set(path.flatMap(({ inputs }) => inputs).filter((id) => !own.has(id)))
    const where = new Map([...outside].map((id) => {
      const node = this.#values.get(id) ?? replay.node(id)
      return [id, replay.constants.has(id) ? node : graph.op('Identity', [node], {}, [after])[0]!] as const
    }))
    replay.beside(where).play(path)
    return where
  }
}
