// One system of the engine's benchmark as a process that waits: it starts, reports its first step, and runs a round whenever it is asked.
// While one system runs, the others sleep, so that rounds of all systems can take turns on one machine.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export class System {
  #child
  #lines
  #heard = ''

  constructor(program, values) {
    this.#child = spawn(program, values, { env: { ...process.env, OMP_WAIT_POLICY: 'passive', TF_CPP_MIN_LOG_LEVEL: '2' }, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.stderr.on('data', (text) => { this.#heard = (this.#heard + text).slice(-4000) })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** The next line of JSON; what the process last said on stderr when there is none. */
  async #next() {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done) throw new Error(this.#heard.trim().split('\n').at(-1) || 'it ended without a word')
      if (value.startsWith('{')) return JSON.parse(value)
    }
  }

  /** { loss, first, firstCpu }: milliseconds of the first step, tracing included. */
  started() { return this.#next() }

  /** { wall, cpu, loss }: medians of milliseconds a step, over steps that take at least so many seconds together. */
  round(seconds) {
    this.#child.stdin.write(`${seconds}\n`)
    return this.#next()
  }

  /** { memory }: the peak of the resident set, MiB. */
  async end() {
    this.#child.stdin.end()
    return this.#next()
  }

  kill() { this.#child.kill('SIGKILL') }
}

/** The other side, for a system in Node: `run` makes one step and returns its loss. */
export async function serve(run) {
  const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]
  const timed = () => {
    const start = performance.now(), before = process.cpuUsage(), loss = run()
    const { user, system } = process.cpuUsage(before)
    return { loss, wall: performance.now() - start, cpu: (user + system) / 1000 }
  }
  const say = (values) => process.stdout.write(`${JSON.stringify(values)}\n`)
  const { loss, wall: first, cpu: firstCpu } = timed()
  run()
  say({ loss, first, firstCpu })
  for await (const line of createInterface({ input: process.stdin })) {
    const steps = [], until = performance.now() + 1000 * Number(line)
    while (steps.length < 2 || performance.now() < until) steps.push(timed())
    say({ wall: median(steps.map(({ wall }) => wall)), cpu: median(steps.map(({ cpu }) => cpu)), loss: steps.at(-1).loss })
  }
  say({ memory: process.resourceUsage().maxRSS / 1024 })
}
