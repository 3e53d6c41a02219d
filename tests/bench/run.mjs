// `npm run bench -- NAME [--json] …`: runs tests/bench/NAME.mjs. Figures come from here, never from a timed test.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const [name, ...options] = process.argv.slice(2)
const folder = import.meta.dirname
const names = readdirSync(folder).filter((file) => file.endsWith('.mjs') && file !== 'run.mjs').map((file) => file.replace('.mjs', ''))
if (!name || !existsSync(join(folder, `${name}.mjs`))) {
  process.stderr.write(`Cannot run the benchmark "${name ?? ''}": there are ${names.join(', ')}. For example: npm run bench -- ${names[0]}\n`)
  process.exit(2)
}
spawn(process.execPath, [join(folder, `${name}.mjs`), ...options], { stdio: 'inherit' }).on('exit', (code) => { process.exitCode = code ?? 1 })
