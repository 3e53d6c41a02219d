// The process that runs trials: told over Node's own channel (`fork`), or on its command line with `--trial JSON`, where it answers in lines (Ray).
import { register } from 'node:module'
import { mark, type FromWorker, type RunMessage, type ToWorker } from './messages.js'
import { contextOf, type Objective } from './objective.js'

async function run({ module, name, number, seed, params }: RunMessage, tell: (message: FromWorker) => void, report: (value: number) => Promise<boolean>, signal: AbortSignal): Promise<void> {
  try {
    const found = (await import(module) as Record<string, unknown>)[name]
    if (typeof found !== 'function') throw new Error(`${module} exports no function "${name}"`)
    const value = Number(await (found as Objective<never>)(params as never, contextOf(number, seed, signal, report)))
    tell({ type: 'value', value: Number.isFinite(value) ? value : null })
  } catch (error) {
    tell({ type: 'failed', reason: error instanceof Error ? error.message : String(error) })
  }
}

function overChannel(): void {
  let answer: ((on: boolean) => void) | undefined, control = new AbortController()
  const tell = (message: FromWorker) => { process.send!(message) }
  const report = (value: number) => {
    tell({ type: 'report', value })
    return new Promise<boolean>((resolve) => { answer = resolve })
  }
  process.on('message', (message: ToWorker) => {
    if (message.type === 'run') {
      control = new AbortController()
      void run(message, tell, report, control.signal)
    } else if (message.type === 'report') answer?.(message.on)
    else control.abort()
  })
  process.on('disconnect', () => process.exit(0))
}

register('./typescript-hooks.js', import.meta.url)
if (process.send) overChannel()
else {
  const tell = (message: FromWorker) => { process.stdout.write(`\n${mark}${JSON.stringify(message)}\n`) }
  // From outside a trial can only be ended, so it always goes on.
  const message = JSON.parse(Buffer.from(process.argv[process.argv.indexOf('--trial') + 1] ?? '', 'base64').toString()) as RunMessage
  await run(message, tell, (value) => { tell({ type: 'report', value }); return Promise.resolve(true) }, new AbortController().signal)
  process.exit()
}
