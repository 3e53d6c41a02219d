// The figures of the epochs so far, and which one is best.

export interface EpochRecord { epoch: number; train: Record<string, number>; validation?: Record<string, number> }

export class History {
  readonly epochs: EpochRecord[] = []
  best: { epoch: number; value: number; loss: number } | undefined

  constructor(readonly metric: string, readonly higher: boolean) {}

  /**
   * @param comparable whether the epoch's figures are the task's; a stage that trains for something else has no best epoch
   * @returns whether this epoch is the best so far: a better metric, or the same with a lower loss
   */
  add(record: EpochRecord, comparable = true): boolean {
    this.epochs.push(record)
    if (!comparable) return false
    const figures = record.validation ?? record.train
    const value = figures[this.metric] ?? figures['loss'] ?? NaN, loss = figures['loss'] ?? NaN
    const sign = this.metric in figures ? (this.higher ? 1 : -1) : -1
    const { best } = this
    // A metric that gives no number decides nothing: then the loss does.
    const better = !best || (Number.isNaN(value) ? Number.isNaN(best.value) && loss < best.loss : Number.isNaN(best.value) || sign * value > sign * best.value || (value === best.value && loss < best.loss))
    if (better) this.best = { epoch: record.epoch, value, loss }
    return better
  }
}
