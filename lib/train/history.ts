// The figures of the epochs so far, and which one is best.

export interface EpochRecord { epoch: number; train: Record<string, number>; validation?: Record<string, number> }

export class History {
  readonly epochs: EpochRecord[] = []
  best: { epoch: number; value: number; loss: number } | undefined

  constructor(readonly metric: string, readonly higher: boolean) {}

  /** @returns whether this epoch is the best so far: a better metric, or the same with a lower loss */
  add(record: EpochRecord): boolean {
    this.epochs.push(record)
    const figures = record.validation ?? record.train
    const value = figures[this.metric] ?? figures['loss'] ?? NaN, loss = figures['loss'] ?? NaN
    const sign = this.metric in figures ? (this.higher ? 1 : -1) : -1
    const { best } = this
    const better = !best || Number.isNaN(best.value) || sign * value > sign * best.value || (value === best.value && loss < best.loss)
    if (better) this.best = { epoch: record.epoch, value, loss }
    return better
  }
}
