// A training for the browser test: a course of events at the pace of a small model, shown as fineTune shows its own, and stopped as a cell is.
import { liveDisplay, session } from '../../lib/display/index.js'
import { finishedCurves, TrainingRecord, trainingView } from '../../lib/plots/index.js'
import { course } from '../plots/course.js'

/** Resolves with the record so far when Stop is pressed; `share` is the processor time of the whole process, for a training that takes none, over the time. */
export async function train({ epochs, pause }: { epochs: number; pause: number }) {
  const record = new TrainingRecord(), curves = liveDisplay(), panel = liveDisplay(), start = performance.now(), before = process.cpuUsage()
  let stopped = false
  session()!.signal.addEventListener('abort', () => { stopped = true })
  for (const event of course({ epochs, perEpoch: 20 })) {
    record.add({ ...event, time: Date.now() })
    if (stopped && record.best) {
      const { epoch, validation } = record.best
      record.add({ type: 'end', time: Date.now(), reason: 'stopped', epochs: record.epochs.length, steps: record.lastStep!.step, seconds: (performance.now() - start) / 1000, best: { epoch, metric: 'accuracy', value: validation!.accuracy! } })
      break
    }
    curves.update(() => trainingView(record).curves)
    panel.update(() => trainingView(record).panel)
    if (event.type === 'step') await new Promise((resolve) => { setTimeout(resolve, pause) })
  }
  const { user, system } = process.cpuUsage(before)
  const share = (user + system) / 1000 / (performance.now() - start)
  await panel.close(trainingView(record).panel)
  await curves.close(finishedCurves(record))
  return { record, share }
}
