// How a run looks in a terminal: a line for each cell that is done, epochs as they go, and below them one line that moves.
// Where output goes to a file or a pipe nothing moves. Not here: executing (run-notebook.ts).
import type { RunEvent, RunResult } from './run-notebook.js'
import { loadSparkline, TrainingFollower } from './training.js'

export interface Terminal { write(text: string): unknown; isTTY?: boolean; columns?: number }

const MOVES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

export class TerminalReport {
  #cells = 0
  #number = 0
  #began = 0
  #title = ''
  #said = ''
  #training = new TrainingFollower()
  #timer: NodeJS.Timeout | undefined
  #frame = 0
  readonly #moves: boolean

  constructor(private readonly terminal: Terminal) { this.#moves = terminal.isTTY === true }

  report(event: RunEvent): void {
    switch (event.type) {
      case 'start':
        this.#cells = event.cells
        void loadSparkline()
        this.#print(`${this.#bold(event.notebook)}  ${event.cells} cells, ${event.kernel}`)
        this.#say('the kernel starts')
        break
      case 'warning':
        this.#print(`${this.#paint('33', 'warning')} ${event.text}`)
        break
      case 'cell':
        this.#number = event.number
        this.#began = performance.now()
        this.#training = new TrainingFollower()
        this.#say(firstLine(event.source))
        break
      case 'output':
        if (event.data !== undefined) for (const line of this.#training.take(event.data)) this.#print(`          ${line}`)
        if (event.text !== undefined) this.#said = lastLine(event.text) || this.#said
        this.#draw()
        break
      case 'cell done': {
        const mark = { ok: this.#paint('32', '✓'), error: this.#paint('31', '✗'), interrupted: this.#paint('33', '■') }[event.status]
        this.#print(`${mark} ${`${event.number}/${this.#cells}`.padStart(7)} ${duration(event.seconds).padStart(7)}  ${this.#cut(firstLine(event.source), 22)}`)
        break
      }
      case 'written':
        this.#clear()
        this.#print(`wrote ${event.file}`)
    }
  }

  /** The last words: the failing cell with its traceback, or how long it took. */
  finish(result: RunResult): void {
    this.#clear()
    const { failed } = result
    if (failed !== undefined && (result.status === 'error' || failed.name === 'KernelDied')) {
      const lines = failed.source.split('\n')
      this.#print(`\n${this.#paint('1;31', `Cell ${failed.number} failed:`)} ${failed.name}: ${failed.value}\n`)
      for (const [index, line] of lines.slice(0, 30).entries()) this.#print(this.#paint('2', `${String(index + 1).padStart(4)} │ `) + line)
      if (lines.length > 30) this.#print(this.#paint('2', `     … ${lines.length - 30} lines more`))
      const trace = failed.traceback.join('\n')
      if (trace.trim() !== '') this.#print(`\n${this.#moves ? trace : plain(trace)}`)
    }
    const time = duration(result.seconds)
    if (result.status === 'ok') this.#print(`${this.#paint('32', 'done')} in ${time}`)
    else if (result.status === 'interrupted') this.#print(`${this.#paint('33', 'interrupted')} after ${time}; what was there is saved`)
  }

  #say(title: string): void {
    this.#title = title
    this.#said = ''
    if (this.#moves) this.#timer ??= setInterval(() => this.#draw(), 120).unref()
    this.#draw()
  }

  #draw(): void {
    if (!this.#moves || this.#timer === undefined) return
    const seconds = this.#began === 0 ? '' : duration((performance.now() - this.#began) / 1000)
    const what = this.#training.line || (this.#said === '' ? this.#title : `${this.#title}  ${this.#paint('2', this.#said)}`)
    this.#frame = (this.#frame + 1) % MOVES.length
    this.terminal.write(`\r\x1b[2K${this.#paint('36', MOVES[this.#frame] ?? '')} ${`${this.#number}/${this.#cells}`.padStart(7)} ${seconds.padStart(7)}  ${this.#cut(what, 22)}`)
  }

  #print(line: string): void {
    this.terminal.write(`${this.#moves ? '\r\x1b[2K' : ''}${line}\n`)
    this.#draw()
  }

  #clear(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    if (this.#moves) this.terminal.write('\r\x1b[2K')
  }

  #cut(text: string, taken: number): string {
    const room = Math.max(10, (this.terminal.columns || 100) - taken)
    const bare = [...plain(text)]
    return bare.length <= room ? text : `${bare.slice(0, room - 1).join('')}…`
  }

  #paint(code: string, text: string): string { return this.#moves ? `\x1b[${code}m${text}\x1b[0m` : text }
  #bold(text: string): string { return this.#paint('1', text) }
}

function firstLine(source: string): string {
  return source.split('\n').map(line => line.trim()).find(line => line !== '') ?? ''
}

function lastLine(text: string): string {
  return plain(text).split(/[\r\n]+/).map(line => line.trim()).filter(line => line !== '').at(-1) ?? ''
}

function plain(text: string): string {
  return text.replace(/\x1b\[[\d;]*[A-Za-z]/g, '')
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} m`
}
