// The command line of `afinar launch`. Only words here; what they do is in launch.ts.
import { parseArgs } from 'node:util'
import type { LaunchOptions } from './launch.js'

export const HELP = `afinar launch [options] PROGRAM [its arguments]: trains on several workers of this machine

  PROGRAM             a script (.ts, .js, .mjs) or a notebook (.ipynb); every worker runs it, and fineTune shares its steps among them
  -w, --workers N     how many (default 2)
  --logs FOLDER       where each worker's output goes (default: a new folder under the system's temporary one)
  --no-pin            let the system place the workers; by default each gets its share of the cores (Linux)
  --isolate           in a network of their own, which nobody else can reach, and from which they reach nobody else (Linux)
  --port N            the first of the ports (default: free ones)
  Ctrl-C stops all; a second Ctrl-C ends them at once.

Workers on several machines need no launcher: start the program on each with TF_CONFIG, as TensorFlow's users write it.
TensorFlow's servers listen on every network interface without a password: use --isolate, a firewall or a private network.
`

/** Reads the words after `afinar launch`; those after the program are the program's. Throws `Cannot launch …` for what makes no sense. */
export function readArguments(words: readonly string[]): LaunchOptions | 'help' {
  const valued = new Set(['-w', '--workers', '--logs', '--port'])
  let at = 0
  while (at < words.length && words[at]!.startsWith('-') && words[at] !== '--') at += valued.has(words[at]!) ? 2 : 1
  const program = words[at] === '--' ? ++at : at
  let values
  try {
    ({ values } = parseArgs({
      args: words.slice(0, at).filter((word) => word !== '--'),
      options: { workers: { type: 'string', short: 'w' }, logs: { type: 'string' }, 'no-pin': { type: 'boolean' }, isolate: { type: 'boolean' }, port: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    }))
  } catch (error) {
    throw new Error(`Cannot launch: ${(error as Error).message} See \`afinar launch --help\`.`)
  }
  if (values.help) return 'help'
  const workers = Number(values.workers ?? 2), port = values.port === undefined ? undefined : Number(values.port)
  if (!Number.isInteger(workers) || workers < 1 || workers > 512) throw new Error(`Cannot launch ${values.workers} workers: give a whole number from 1 to 512.`)
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port + workers <= 65536)) throw new Error(`Cannot launch on port ${values.port}: give a whole number from 1 to ${65536 - workers}.`)
  const file = words[program]
  if (file === undefined) throw new Error('Cannot launch: name a script or a notebook, as in `afinar launch --workers 2 train.ts`.')
  if (!/\.(?:[cm]?[jt]s|ipynb)$/.test(file)) throw new Error(`Cannot launch ${file}: give a script (.ts, .js, .mjs) or a notebook (.ipynb).`)
  return { program: file, args: words.slice(program + 1), workers, pin: values['no-pin'] !== true, isolate: values.isolate === true, ...(values.logs === undefined ? {} : { logs: values.logs }), ...(port === undefined ? {} : { port }) }
}
