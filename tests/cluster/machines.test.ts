// Workers on hosts of their own: two network namespaces with a cable between them (iproute2), and what happens when the cable is pulled.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { newFolder, seenBy, start, trainer } from './support/launched.js'
import type { Task } from './support/train.js'

jest.setTimeout(120_000)

const names = ['a', 'b'].map((end) => `afinar-${process.pid}-${end}`), ends = ['a', 'b'].map((end) => `af${process.pid % 100000}${end}`), hosts = ['10.91.7.1', '10.91.7.2']
const ip = (...words: string[]) => execFileSync('ip', words, { stdio: ['ignore', 'pipe', 'pipe'] })

function connected(): boolean {
  try {
    names.forEach((name) => ip('netns', 'add', name))
    ip('link', 'add', ends[0]!, 'type', 'veth', 'peer', 'name', ends[1]!)
    names.forEach((name, i) => {
      ip('link', 'set', ends[i]!, 'netns', name)
      ip('-n', name, 'address', 'add', `${hosts[i]}/24`, 'dev', ends[i]!)
      ip('-n', name, 'link', 'set', ends[i]!, 'up')
      ip('-n', name, 'link', 'set', 'lo', 'up')
    })
    return true
  } catch { return false }
}

function disconnected(): void {
  for (const name of names) try { ip('netns', 'delete', name) } catch { /* there is none */ }
}

const permitted = connected(), isolates = (() => { try { execFileSync('unshare', ['--user', '--map-root-user', '--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' }); return true } catch { return false } })()
const onHosts = permitted ? test : test.skip, inIsolation = isolates ? test : test.skip
const children: ChildProcess[] = []
beforeAll(() => { if (!permitted) console.warn('Skipped: workers on separate hosts, because this system does not let the tests make network namespaces.') })
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  disconnected()
})

function worker(rank: number, folder: string, task: Task): { child: ChildProcess; ended: Promise<number | null>; steps: Promise<void> } {
  const config = JSON.stringify({ cluster: { worker: hosts.map((host) => `${host}:2222`) }, task: { type: 'worker', index: rank } })
  const child = spawn('ip', ['netns', 'exec', names[rank]!, process.execPath, trainer, folder, JSON.stringify(task)], { env: { ...process.env, TF_CONFIG: config, TF_CPP_MIN_LOG_LEVEL: '3' }, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return {
    child, ended: new Promise((resolve) => child.once('close', resolve)),
    steps: new Promise((resolve) => child.stdout!.setEncoding('utf8').on('data', (text: string) => { if (text.includes('step 5')) resolve() })),
  }
}

onHosts('two hosts with a cable between them train as one', async () => {
  const folder = newFolder(), workers = [0, 1].map((rank) => worker(rank, folder, { options: { epochs: 2 } }))
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0])
  const [first, second] = [seenBy(folder, 0)!, seenBy(folder, 1)!]
  expect(first.weights).toEqual(second.weights)
  expect(first.losses).toHaveLength(14)
})

onHosts('when the cable is pulled each host says within seconds that the other is gone', async () => {
  const folder = newFolder(), workers = [0, 1].map((rank) => worker(rank, folder, { slow: 50, options: { epochs: 50 } }))
  await Promise.all(workers.map(({ steps }) => steps))
  const pulled = performance.now()
  ip('-n', names[1]!, 'link', 'set', ends[1]!, 'down')
  expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([1, 1])
  expect((performance.now() - pulled) / 1000).toBeLessThan(30)
  expect(seenBy(folder, 0)!.failure).toMatch(/worker 1 \(10\.91\.7\.2:2222\) is gone/)
  expect(seenBy(folder, 1)!.failure).toMatch(/worker 0 \(10\.91\.7\.1:2222\) is gone/)
})

inIsolation('--isolate: the workers reach each other, and nobody else', async () => {
  const folder = newFolder()
  const { code, output } = await start(['--isolate', trainer, folder, JSON.stringify({ options: { epochs: 1 } })], folder).ended
  expect({ code, output }).toMatchObject({ code: 0 })
  expect(output).toContain('a network of their own')
  expect(seenBy(folder, 0)!.weights).toEqual(seenBy(folder, 1)!.weights)
})
