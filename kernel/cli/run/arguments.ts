// The command line of `afinar run`. Only words here; what they do is in run-notebook.ts.
import { parseArgs } from 'node:util'
import { parameterValue } from './parameters.js'
import type { RunOptions } from './run-notebook.js'

export const HELP = `afinar run NOTEBOOK [options]: executes a notebook without a browser

  --out FILE          write the notebook with its outputs there (default: over NOTEBOOK)
  --html [FILE]       write an HTML page too, with plots that work offline (default: beside the notebook)
  -p, --parameter name=value
                      a value for the cell tagged 'parameters' (again for more); true, 0.1 and [1, 2] are what they look like
  -r, --raw name=value  the same, always as text
  --kernel NAME       run with another kernel that Jupyter knows (tslab, deno, …)
  --allow-errors      go on after a cell that fails
  --timeout SECONDS   longest time for one cell
  --quiet             say nothing but errors
  Ctrl-C stops the running cell and saves; a second Ctrl-C ends at once.
`

export interface RunArguments { options: RunOptions; quiet: boolean; help: boolean }

/** Reads the words after `afinar run`. Throws `Cannot run …` for those that make no sense. */
export function readArguments(args: readonly string[]): RunArguments {
  // `--html` takes a file only where one follows; parseArgs knows no such option.
  const words = args.flatMap((word, index) => word === '--html' && !/\.html?$/.test(args[index + 1] ?? '') ? ['--html='] : [word])
  let parsed
  try {
    parsed = parseArgs({
      args: words, allowPositionals: true,
      options: {
        out: { type: 'string', short: 'o' }, html: { type: 'string' }, parameter: { type: 'string', short: 'p', multiple: true }, raw: { type: 'string', short: 'r', multiple: true },
        kernel: { type: 'string', short: 'k' }, 'allow-errors': { type: 'boolean' }, timeout: { type: 'string' }, quiet: { type: 'boolean', short: 'q' }, help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new Error(`Cannot run: ${(error as Error).message}. See \`afinar run --help\`.`)
  }
  const { values, positionals } = parsed
  const [notebook = '', ...more] = positionals
  if (values.help !== true && notebook === '') throw new Error('Cannot run: name a notebook, as in `afinar run notebooks/01-fine-tune-images.ipynb`.')
  if (more.length > 0) throw new Error(`Cannot run: one notebook at a time, got ${positionals.join(', ')}.`)
  const timeout = values.timeout === undefined ? undefined : Number(values.timeout)
  if (timeout !== undefined && !(timeout > 0)) throw new Error(`Cannot run: --timeout must be a number of seconds above 0, got '${values.timeout}'.`)
  const parameters = Object.fromEntries([
    ...(values.parameter ?? []).map(word => pair(word)).map(([name, value]) => [name, parameterValue(value)]),
    ...(values.raw ?? []).map(word => pair(word)),
  ]) as Record<string, unknown>
  return {
    quiet: values.quiet === true, help: values.help === true,
    options: {
      notebook, parameters,
      ...(values.out === undefined ? {} : { out: values.out }), ...(values.html === undefined ? {} : { html: values.html === '' ? true : values.html }),
      ...(values.kernel === undefined ? {} : { kernel: values.kernel }), ...(values['allow-errors'] === true ? { allowErrors: true } : {}), ...(timeout === undefined ? {} : { timeout }),
    },
  }
}

function pair(word: string): [string, string] {
  const at = word.indexOf('=')
  if (at < 1) throw new Error(`Cannot run: a parameter is written name=value, got '${word}'.`)
  return [word.slice(0, at), word.slice(at + 1)]
}
