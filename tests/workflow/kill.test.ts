// kill -9 while a real process trains: what is on disk is whole, at most the steps since the last checkpoint are lost, and going on ends in the same weights.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, jest, test } from '@jest/globals'

jest.setTimeout(600_000)
const everySteps = 5

/** Runs the training; kills it `delay` milliseconds after its first step. */
function train(folder: string, delay?: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['dist/tests/workflow/support/trains.js', folder, String(everySteps)], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = '', errors = '', timer: NodeJS.Timeout | undefined
    child.stderr.on('data', (text: Buffer) => { errors += String(text) })
    child.stdout.on('data', (text: Buffer) => {
      output += String(text)
      if (delay !== undefined && /^step/m.test(output)) timer ??= setTimeout(() => { child.kill('SIGKILL') }, delay)
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code !== 0 && signal !== 'SIGKILL') reject(new Error(errors.slice(-2000)))
      else resolve(output.slice(0, output.lastIndexOf('\n')).split('\n'))
    })
  })
}

const steps = (lines: readonly string[]) => lines.flatMap((line) => /^step (\d+)$/.exec(line)?.slice(1).map(Number) ?? [])

test('killed again and again at arbitrary moments, it goes on from the last checkpoint to the weights of an uninterrupted run', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'afinar-killed-')), straight = await train(mkdtempSync(join(tmpdir(), 'afinar-straight-')))
  const end = straight.at(-1)!
  expect(end).toMatch(/^end finished/)
  let reached = 0, kills = 0
  for (const delay of [3, 90, 160, 23]) {
    const lines = await train(folder, delay)
    if (lines.at(-1)!.startsWith('end')) break
    kills++
    const first = steps(lines)[0]
    // A step is known here once it is printed; the checkpoint that follows it may have been under way.
    if (first !== undefined && reached > 0) expect(first - 1).toBeGreaterThanOrEqual(everySteps * Math.floor((reached - 1) / everySteps))
    reached = steps(lines).at(-1) ?? reached
    expect(lines.filter((line) => line.startsWith('warning'))).toEqual([])
  }
  expect(kills).toBeGreaterThanOrEqual(2)
  const last = await train(folder)
  expect(last.at(-1)).toBe(end)
  expect(last.filter((line) => line.startsWith('warning'))).toEqual([])
  expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([])
  expect(readdirSync(folder).length).toBeLessThanOrEqual(2)
})
