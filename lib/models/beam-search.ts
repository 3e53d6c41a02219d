// Beam search as transformers does it: which continuations live on, which are done, and when no better one can come. Numbers only, no tensors.

export interface BeamOptions {
  beams: number
  /** Most tokens that are written, the end included. */
  longest: number
  /** A text's score is its log-probability / its tokens ^ lengthPenalty. */
  lengthPenalty: number
  /** Whether to stop as soon as there are `beams` finished texts. */
  earlyStopping: boolean
  end: number
}

interface Hypothesis { ids: number[]; score: number; finished: boolean }

const never = -1e9

/** The search for one source. */
export class Beams {
  /** Texts under way, best first, with their log-probabilities. */
  running: { ids: number[]; score: number; parent: number }[]
  private finished: Hypothesis[]
  private canImprove = true
  done = false

  constructor(private readonly o: BeamOptions) {
    // Only the first beam counts at the start; the others hold the same nothing.
    this.running = Array.from({ length: o.beams }, (_, i) => ({ ids: [], score: i === 0 ? 0 : never, parent: i }))
    this.finished = Array.from({ length: o.beams }, () => ({ ids: [], score: never, finished: false }))
  }

  /** @param candidates the 2 · beams best continuations, best first: beam, token, and log-probability of the whole */
  advance(candidates: readonly { beam: number; token: number; score: number }[]): void {
    if (this.done) return
    const { beams, longest, lengthPenalty, earlyStopping, end } = this.o
    const grown = candidates.map(({ beam, token, score }) => ({ ids: [...this.running[beam]!.ids, token], score, parent: beam, ends: token === end || this.running[beam]!.ids.length + 1 >= longest }))
    const length = grown[0]!.ids.length, full = earlyStopping && this.finished.every(({ finished }) => finished)
    // Only the best half may become results; the rest are there so that enough go on.
    const completed = grown.map(({ ids, score, ends }, place): Hypothesis => {
      const counts = ends && place < beams
      return { ids, score: score / length ** lengthPenalty + (full ? never : 0) + (this.canImprove ? 0 : never) + (counts ? 0 : never), finished: counts }
    })
    this.finished = best([...this.finished, ...completed], beams)
    this.running = best(grown.map(({ ids, score, parent, ends }) => ({ ids, parent, score: ends ? score + never : score })), beams)
    const worst = Math.min(...this.finished.map(({ score }) => score))
    const possible = this.running[0]!.score / length ** lengthPenalty
    this.canImprove &&= this.finished.some(({ finished }) => possible > (finished ? worst : never))
    this.done = !this.canImprove || grown.every(({ ends }) => ends) || (earlyStopping && this.finished.every(({ finished }) => finished))
  }

  get result(): { ids: number[]; score: number } {
    const { ids, score } = this.finished[0]!
    return { ids, score }
  }
}

/** The highest scores; of equal ones the first. */
const best = <T extends { score: number }>(all: readonly T[], count: number): T[] =>
  all.map((one, at) => ({ one, at })).sort((a, b) => b.one.score - a.one.score || a.at - b.at).slice(0, count).map(({ one }) => one)
