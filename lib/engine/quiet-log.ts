// What TensorFlow says on file descriptor 2 while it starts: it logs greetings before it reads TF_CPP_MIN_LOG_LEVEL, and these would stand in the user's cell.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Koffi { load(path: null): { func(signature: string): (...values: number[]) => number } }

/** TensorFlow's greeting and lines of a level below `level` ('0' info, '1' warning, '2' error, '3' fatal), as absl and as older versions write them. */
export function isBelow(line: string, level: string): boolean {
  if (/^WARNING: All log messages before absl::InitializeLog\(\)/.test(line)) return true
  const letter = /^(?:\d{4}-\d\d-\d\d [\d:.]+: )?([IWEF])(?:\d{4} | )/.exec(line)?.[1]
  return letter !== undefined && 'IWEF'.indexOf(letter) < Number(level)
}

/** Runs `work` with file descriptor 2 led into a file, and lets through what is not below `level`. Where there is no dup2 (Windows), `work` just runs. */
export function withQuietLog<T>(level: string, work: () => T): T {
  if (level === '0' || process.platform === 'win32') return work()
  const libc = (createRequire(import.meta.url)('koffi') as Koffi).load(null)
  const dup = libc.func('int dup(int)'), dup2 = libc.func('int dup2(int, int)')
  const folder = mkdtempSync(join(tmpdir(), 'afinar-log-')), file = join(folder, 'stderr')
  const log = openSync(file, 'w'), before = dup(2)
  dup2(log, 2)
  try { return work() } finally {
    dup2(before, 2)
    closeSync(before)
    closeSync(log)
    const kept = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '' && !isBelow(line, level) && !/^To enable the following instructions:/.test(line))
    rmSync(folder, { recursive: true, force: true })
    if (kept.length > 0) writeSync(2, `${kept.join('\n')}\n`)
  }
}
