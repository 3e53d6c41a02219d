// How a step of the set-up looks in the terminal: what it does, how far it is, how long it took. Knows no step.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The package's own folder: the clone, or `node_modules/afinar` where somebody depends on it. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '../../..')

/** A set-up that cannot go on; the message says what to do. */
export class SetupError extends Error {}

const live = process.stderr.isTTY
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`
const bar = (share) => '█'.repeat(Math.round(share * 24)).padEnd(24, '░')

/**
 * Runs one step and tells about it on standard error. `work` gets a function that takes the share done (0 to 1) and a word about it.
 * On a terminal the line is redrawn; in a log it is repeated every fifth of the way.
 */
export async function step(title, usual, work) {
  const start = performance.now()
  let told = 0
  const line = (text, end = '') => process.stderr.write(live ? `\r\x1b[2K${text}${end}` : `${text}\n`)
  line(`· ${title} (about ${usual})`)
  const result = await work((share, detail = '') => {
    const part = Math.min(1, Math.max(0, share))
    if (live) line(`· ${title}  ${bar(part)} ${Math.round(part * 100)} %  ${detail}  ${seconds(start)}`)
    else if (part - told >= 0.2) { told = part; line(`    ${Math.round(part * 100)} %  ${detail}`) }
  })
  line(`✓ ${title} (${seconds(start)})`, '\n')
  return result
}

/**
 * Runs a program, hands each line it prints to `onLine`, and resolves to its exit code and its last lines.
 * Carriage returns count as line ends, so progress that redraws itself is seen as it moves.
 */
export function run(command, args, { cwd = root, env = process.env, onLine = () => {}, tick, every = 500 } = {}) {
  return new Promise((resolve) => {
    const last = []
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = tick ? setInterval(tick, every) : undefined
    const stop = () => child.kill('SIGINT')
    process.once('SIGINT', stop)
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ''
      stream.setEncoding('utf8').on('data', (text) => {
        const lines = (rest + text).split(/[\r\n]+/)
        rest = lines.pop()
        for (const line of lines) { onLine(line); last.push(line); if (last.length > 40) last.shift() }
      }).on('end', () => { if (rest) last.push(rest) })
    }
    const end = (code) => { clearInterval(timer); process.removeListener('SIGINT', stop); resolve({ code, tail: last.join('\n') }) }
    child.on('error', (error) => { last.push(error.message); end(127) })
    child.on('close', (code) => end(code ?? 1))
  })
}

/** SHA-256 of the parts, in hexadecimal. */
export function fingerprint(...parts) {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex')
}

/** Does `work` unless the file `stamp` already holds `wanted()`; writes it afterwards. An interrupted step leaves no stamp and runs again. */
export async function once(stamp, wanted, work) {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted()) return
  await work()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, wanted())
}
