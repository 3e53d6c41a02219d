// Callbacks with Keras' names, fed from the stream of events. A callback that fails is named once and left out from then on; training goes on.
import type { TrainEvent } from './events.js'

export type Logs = Readonly<Record<string, number>>

/** All may be async; training does not wait for them. Epochs and batches count from 0, as in Keras. */
export interface Callbacks {
  onTrainBegin?(logs: Logs): unknown
  onEpochBegin?(epoch: number, logs: Logs): unknown
  onBatchEnd?(batch: number, logs: Logs): unknown
  /** Logs hold `loss`, `accuracy` … and `val_loss`, `val_accuracy` …. */
  onEpochEnd?(epoch: number, logs: Logs): unknown
  onTrainEnd?(logs: Logs): unknown
}

export const callbackNames = ['onTrainBegin', 'onEpochBegin', 'onBatchEnd', 'onEpochEnd', 'onTrainEnd'] as const

/** @param onFailure gets one sentence for each callback that throws or rejects */
export function callbackReader(list: readonly Callbacks[], onFailure: (text: string) => void): (event: TrainEvent) => void {
  const broken = new Set<string>()
  let epoch = 0, stepsBefore = 0, logs: Logs = {}
  const call = (name: typeof callbackNames[number], ...args: [Logs] | [number, Logs]) => list.forEach((callbacks, i) => {
    const key = `${i}.${name}`
    const fail = (error: unknown) => {
      if (broken.has(key)) return
      broken.add(key)
      onFailure(`The callback ${name} failed and is left out from here: ${error instanceof Error ? error.message : String(error)}. Training goes on.`)
    }
    if (broken.has(key) || !callbacks[name]) return
    try {
      const result = (callbacks[name] as (...args: unknown[]) => unknown).apply(callbacks, args)
      if (result instanceof Promise) result.catch(fail)
    } catch (error) { fail(error) }
  })
  return (event) => {
    switch (event.type) {
      case 'start': call('onTrainBegin', {}); break
      case 'step':
        if (event.epoch > epoch) { epoch = event.epoch; stepsBefore = event.step - 1; call('onEpochBegin', epoch - 1, logs) }
        call('onBatchEnd', event.step - stepsBefore - 1, { loss: event.loss, learningRate: event.learningRate, gradNorm: event.gradNorm })
        break
      case 'epoch':
        logs = { ...event.train, ...Object.fromEntries(Object.entries(event.validation ?? {}).map(([name, value]) => [`val_${name}`, value])) }
        call('onEpochEnd', event.epoch - 1, logs)
        break
      case 'end': call('onTrainEnd', logs); break
      default:
    }
  }
}
