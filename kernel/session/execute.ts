// Cells one after the other: transpile, evaluate, show the result, answer the user's expressions, say that it is done.
import { transpileCell, type TranspiledCell } from '../language/transpile.js'
import { allowTermination } from './async-scopes.js'
import { board, Slot } from './board.js'
import { Cell, Interrupted, running, setRunning, type Outcome } from './cell.js'
import { bundleOf } from './display/index.js'
import { evaluate } from './evaluate.js'
import { Atomics, Object, performance, Set, setImmediate, undisturbed } from './intrinsics.js'
import type { ErrorReport, ExecuteMessage, ExpressionReply, MimeBundle } from './messages.js'
import { send } from './output.js'
import { cellURL, rememberSource } from './places.js'
import { step, valueStep } from './step.js'
import { errorReport } from './traceback.js'

const queue: ExecuteMessage[] = []
let starting = false
let resume: (() => void) | undefined

/** Globals that cells have taken a name from, and all there are; see kernel/language/rename-globals.ts. */
const renamed = new Set<string>()
let globals = new Set<string>()
export let legacyDecorators = false

/** To be called when every global of the session is in place. */
export function prepare(options: { legacyDecorators: boolean }) {
  globals = new Set([...Object.getOwnPropertyNames(globalThis), 'undefined'])
  legacyDecorators = options.legacyDecorators
}

export function execute(message: ExecuteMessage) {
  queue.push(message)
  next()
}

function next() {
  if (running() || starting || queue.length === 0) return
  starting = true
  waitOutTermination(() => {
    starting = false
    const message = queue.shift()
    if (message) run(message)
  })
}

/** A termination that comes too late for its cell must not hit the next one: this loop is there to be hit instead. */
function waitOutTermination(then: () => void) {
  if (Atomics.load(board, Slot.terminating) === 0) return then()
  let open = true
  resume = () => { if (open) { open = false; resume = undefined; then() } }
  setImmediate(() => {
    const end = performance.now() + 500
    while (Atomics.load(board, Slot.terminating) !== 0 && performance.now() < end);
    setImmediate(() => resume?.())
  })
}

/** After a termination. */
export const recoverExecution = () => setImmediate(() => resume?.())

function run(message: ExecuteMessage) {
  const cell = new Cell(message.cell, message.count, message.silent, message.allowStdin)
  setRunning(cell)
  let transpiled: TranspiledCell
  try { transpiled = transpile(message.code, cell) } catch (error) { return finish(cell, message, [], { type: 'thrown', error }) }
  allowTermination()
  step(cell, done => evaluate(transpiled.code, cellURL(cell.id), done), outcome => {
    if (outcome.type !== 'value') return finish(cell, message, transpiled.declared, outcome)
    showResult(cell, transpiled.hasResult, () => answer(cell, Object.entries(message.userExpressions), {}, userExpressions => {
      send({ type: 'done', cell: cell.id, status: 'ok', userExpressions, declarations: transpiled.declared })
      end()
    }))
  })
}

function transpile(code: string, cell: Cell): TranspiledCell {
  const label = `Cell [${cell.count}]`
  rememberSource(cellURL(cell.id), { label, text: code, map: () => undefined })
  const transpiled = undisturbed(() => transpileCell(code, { count: cell.count, file: label, renamed, globals, legacyDecorators }))
  rememberSource(cellURL(cell.id), { label, text: code, map: transpiled.map })
  return transpiled
}

function showResult(cell: Cell, hasResult: boolean, then: () => void) {
  const value = cell.result
  cell.result = undefined
  if (!hasResult || cell.silent || value === undefined) return then()
  valueStep(cell, () => bundleOf(value), outcome => {
    const { data, metadata } = outcome.type === 'value' ? outcome.value as { data: MimeBundle; metadata: Record<string, unknown> } : { data: { 'text/plain': shownAs(value) }, metadata: {} }
    if (Object.keys(data).length > 0) send({ type: 'result', cell: cell.id, data, metadata }) // an empty bundle has shown itself already
    then()
  })
}

const shownAs = (value: unknown) => `[${typeof value}: its display was stopped]`

/** User expressions run after the cell, each on its own; one that throws does not stop the others. */
function answer(cell: Cell, left: [string, string][], answers: Record<string, ExpressionReply>, then: (answers: Record<string, ExpressionReply>) => void) {
  const [first, ...rest] = left
  if (!first) return then(answers)
  const [name, code] = first
  const add = (reply: ExpressionReply) => answer(cell, rest, { ...answers, [name]: reply }, then)
  const refuse = (error: unknown) => { const { name, value, traceback } = errorReport(error); add({ status: 'error', ename: name, evalue: value, traceback }) }
  let transpiled: TranspiledCell
  try { transpiled = undisturbed(() => transpileCell(code, { count: cell.count, file: name, renamed, globals, legacyDecorators })) } catch (error) { return refuse(error) }
  step(cell, done => evaluate(transpiled.code, `afinar:expression/${cell.id}`, done), outcome => {
    if (outcome.type !== 'value') return refuse(outcome.type === 'thrown' ? outcome.error : new Interrupted())
    const value = cell.result
    cell.result = undefined
    valueStep(cell, () => bundleOf(value), shown => add(shown.type === 'value'
      ? { status: 'ok', ...shown.value as { data: MimeBundle; metadata: Record<string, unknown> } }
      : { status: 'ok', data: { 'text/plain': shownAs(value) }, metadata: {} }))
  })
}

function finish(cell: Cell, message: ExecuteMessage, declarations: string[], outcome: Outcome) {
  const report = (error: ErrorReport) => {
    send({ type: 'error', cell: cell.id, ...error })
    const userExpressions = Object.fromEntries(Object.keys(message.userExpressions).map(name => [name, { status: 'error' as const, ename: error.name, evalue: error.value, traceback: [] }]))
    send({ type: 'done', cell: cell.id, status: 'error', userExpressions, error, declarations })
    end()
  }
  const error = outcome.type === 'thrown' ? outcome.error : new Interrupted()
  // an error's own getters are the user's code and may loop
  valueStep(cell, () => errorReport(error), shown => report(shown.type === 'value' ? shown.value as ErrorReport
    : { name: 'Error', value: 'its message could not be read', traceback: ['Error: its message could not be read'] }))
}

function end() {
  setRunning(undefined)
  next()
}


