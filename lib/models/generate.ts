// Writing with an encoder–decoder: token by token, with the keys and values of what was written kept, as recorded TensorFlow functions.
import * as tf from '@tensorflow/tfjs'
import { recordFunction, type RecordedFunction, type TensorMap } from '../engine/index.js'
import { Beams } from './beam-search.js'
import { ModelError } from './errors.js'
import type { NeuralModel } from './model.js'
import type { GenerateOptions, Model } from './types.js'

/**
 * Token ids that the model writes for each row of `inputs`, without start and end token. With `beams: 1` the likeliest token each time,
 * else beam search; both equal transformers' `generate`.
 *
 * @param inputs what the model's preprocessing makes of sources: `input_ids` and `attention_mask`, int32 `[batch, tokens]`
 * @throws ModelError when the model does not write, or an option makes no sense
 * @example const [ids] = await generate(model, { input_ids, attention_mask }, { beams: 4 })
 */
export async function generate(model: Model, inputs: TensorMap, o: GenerateOptions = {}): Promise<number[][]> {
  const writer = (model as Partial<NeuralModel>).writer
  if (!writer) throw new ModelError(`Cannot write with ${model.family}: it is no encoder–decoder. Load one, such as a Marian or T5 model.`)
  return writer.write(inputs, checked(o, model))
}

function checked(o: GenerateOptions, model: Model): Required<Omit<GenerateOptions, 'signal'>> & { signal: AbortSignal | undefined } {
  const { beams = 1, lengthPenalty = 1, earlyStopping = false, signal } = o, { preprocessing: p } = model
  const maxLength = o.maxLength ?? (p.kind === 'pair' ? p.maxTargetLength : 64)
  if (!Number.isSafeInteger(beams) || beams < 1 || beams > 64) throw new ModelError(`Cannot write with ${String(beams)} beams: beams must be a whole number from 1 to 64.`)
  if (!Number.isSafeInteger(maxLength) || maxLength < 1) throw new ModelError(`Cannot write at most ${String(maxLength)} tokens: maxLength must be a whole number from 1.`)
  if (!Number.isFinite(lengthPenalty)) throw new ModelError(`Cannot write with lengthPenalty ${String(lengthPenalty)}: it must be a number; 0 prefers short texts, 1 is usual.`)
  return { beams, maxLength, lengthPenalty, earlyStopping, signal }
}

/** The recorded functions of one model; made anew when its layers change. */
export class Writer {
  private readonly source: RecordedFunction
  private readonly steps = new Map<number, RecordedFunction>()

  constructor(private readonly model: NeuralModel) {
    const decoder = model.decoder!
    const variables = Object.values(model.weights())
    this.source = recordFunction((inputs) => named('seen', decoder.source.call(decoder.source.inputNames.map((name) => inputs[name]!), {})), { variables })
  }

  async write(inputs: TensorMap, o: ReturnType<typeof checked>): Promise<number[][]> {
    const { source, caches, start, pad, end } = this.model.decoder!
    const given = Object.fromEntries(source.inputNames.map((name) => [name, inputs[name] ?? (() => { throw new ModelError(`Cannot write with ${this.model.family}: its input "${name}" is missing. It takes ${source.inputNames.join(' and ')}.`) })()]))
    const rows = Object.values(given)[0]!.shape[0]!, { beams } = o
    const seen = await this.source.runAsync(given)
    const searches = Array.from({ length: rows }, () => new Beams({ beams, longest: o.maxLength, lengthPenalty: o.lengthPenalty, earlyStopping: o.earlyStopping, end }))
    const greedy = Array.from({ length: rows }, (): number[] => [])
    const doneAt = (row: number) => beams === 1 ? greedy[row]!.at(-1) === end || greedy[row]!.length >= o.maxLength : searches[row]!.done
    // Each row's beams stand one after the other.
    const repeated = Int32Array.from({ length: rows * beams }, (_, at) => Math.floor(at / beams))
    let state: TensorMap = tf.tidy(() => ({
      ...Object.fromEntries(Object.entries(seen).map(([name, value]) => [name, beams === 1 || value.shape[0] !== rows ? value.clone() : tf.gather(value, tf.tensor1d(repeated, 'int32'))])),
      ...named('cache', caches.map((width) => tf.zeros([rows * beams, o.maxLength, width]))),
    }))
    tf.dispose(seen)
    const step = this.step(beams)
    try {
      for (let position = 0; position < o.maxLength && !searches.every((_, row) => doneAt(row)); position++) {
        o.signal?.throwIfAborted()
        const last = Int32Array.from({ length: rows * beams }, (_, at) => {
          const written = beams === 1 ? greedy[at]! : searches[Math.floor(at / beams)]!.running[at % beams]!.ids
          return position === 0 ? start : beams === 1 && doneAt(at) ? pad : written.at(-1) ?? pad
        })
        const parents = Int32Array.from(last, (_, at) => beams === 1 ? at : Math.floor(at / beams) * beams + searches[Math.floor(at / beams)]!.running[at % beams]!.parent)
        const scores = Float32Array.from(last, (_, at) => beams === 1 ? 0 : searches[Math.floor(at / beams)]!.running[at % beams]!.score)
        const own = { token: tf.tensor2d(last, [rows * beams, 1], 'int32'), position: tf.fill([rows * beams], position, 'int32'), places: tf.range(0, o.maxLength, 1, 'int32'), parents: tf.tensor1d(parents, 'int32'), scores: tf.tensor1d(scores) }
        const out = await step.runAsync({ ...state, ...own })
        tf.dispose(own)
        const { chosen, values, ...after } = out
        for (const [name, value] of Object.entries(after)) { state[name]!.dispose(); state[name] = value }
        const ids = chosen!.dataSync(), sums = values?.dataSync()
        tf.dispose([chosen!, ...(values ? [values] : [])])
        const words = this.words
        if (beams === 1) greedy.forEach((written, row) => { if (!doneAt(row)) written.push(ids[row]!) })
        else searches.forEach((search, row) => search.advance(Array.from({ length: 2 * beams }, (_, place) => {
          const at = row * 2 * beams + place
          return { beam: Math.floor(ids[at]! / words), token: ids[at]! % words, score: sums![at]! }
        })))
      }
    } finally {
      tf.dispose(state)
      state = {}
    }
    return searches.map((search, row) => (beams === 1 ? greedy[row]! : search.result.ids).filter((id) => id !== end))
  }

  private get words(): number { return this.model.network.outputs[0]!.shape.at(-1)! }

  /** One token for every row: caches follow their beams, and the best continuations come out. */
  private step(beams: number): RecordedFunction {
    const known = this.steps.get(beams)
    if (known) return known
    const { step, source, caches, never } = this.model.decoder!, { words } = this
    const forbidden = Float32Array.from({ length: words }, (_, id) => never.includes(id) ? -1e9 : 0)
    const made = recordFunction(({ token, position, places, parents, scores, ...state }) => {
      const follow = (cache: tf.Tensor) => beams === 1 ? cache : tf.gather(cache, parents!)
      const inputs = [token!, position!, places!, ...source.outputs.map((_, i) => state[`seen${i}`]!), ...caches.map((_, i) => follow(state[`cache${i}`]!))]
      const [logits, ...after] = step.call(inputs, {}) as tf.Tensor[]
      const allowed = logits!.reshape([-1, words]).add(tf.tensor1d(forbidden))
      const kept = named('cache', after)
      if (beams === 1) return { ...kept, chosen: allowed.argMax(-1) }
      const sums = allowed.logSoftmax().add(scores!.expandDims(1)).reshape([-1, beams * words])
      const { values, indices } = tf.topk(sums, 2 * beams)
      return { ...kept, values, chosen: indices }
    }, { variables: Object.values(this.model.weights()) })
    this.steps.set(beams, made)
    return made
  }

  dispose(): void {
    this.source.dispose()
    for (const step of this.steps.values()) step.dispose()
    this.steps.clear()
  }
}

const named = (prefix: string, tensors: tf.Tensor | tf.Tensor[]): TensorMap => Object.fromEntries([tensors].flat().map((tensor, i) => [`${prefix}${i}`, tensor]))
