// One evaluation in V8's REPL mode, through the inspector. Not here: which code, in which cell, and what follows.
import inspector from 'node:inspector'
import { promiseHooks } from 'node:v8'
import { Interrupted, type Outcome } from './cell.js'
import { runtime } from '../language/transpile.js'
import { BigInt, Error, Set, String, SyntaxError } from './intrinsics.js'

const session = new inspector.Session()
session.connect()
const group = 'afinar'

interface Thrown { objectId?: string; value?: unknown; description?: string; unserializableValue?: string }

/** Promises of evaluations that were terminated: they never settle, and V8 must not collect one while the inspector waits for it. */
const abandoned = new Set<Promise<unknown>>()

/**
 * Evaluates code whose top level may `await`. `done` is not called when the evaluation is terminated.
 * The value is not returned: cells hand theirs to the runtime's `result`.
 */
export function evaluate(code: string, url: string, done: (outcome: Outcome) => void) {
  let evaluation: Promise<unknown> | undefined
  const stopHook = promiseHooks.onInit(promise => { if (!evaluation) abandoned.add(evaluation = promise) }) as () => void
  try {
    session.post('Runtime.evaluate', { expression: `${code}\n//# sourceURL=${url}`, replMode: true, awaitPromise: true, objectGroup: group } as never,
      (error: Error | null, answer?: { exceptionDetails?: { exception?: Thrown; text: string; lineNumber: number; columnNumber: number } }) => {
        if (evaluation) abandoned.delete(evaluation)
        // the inspector's own error: the evaluation was terminated
        const details = answer?.exceptionDetails
        const outcome: Outcome = error ? { type: 'interrupted' } : details ? thrownBy(details.exception, details.text, url, details.lineNumber, details.columnNumber) : { type: 'value', value: undefined }
        session.post('Runtime.releaseObjectGroup', { objectGroup: group })
        done(outcome)
      })
  } finally { stopHook() }
}

/** The thrown value itself, not the inspector's description of it. */
export const thrown: { value: unknown } = { value: undefined }

function thrownBy(exception: Thrown | undefined, text: string, url: string, line: number, column: number): Outcome {
  thrown.value = new Error(text)
  if (exception?.objectId) {
    session.post('Runtime.callFunctionOn', { objectId: exception.objectId, functionDeclaration: `function () { 'use strict'; ${runtime}.thrown(this) }` })
  } else if (exception) thrown.value = primitive(exception)
  const error = thrown.value
  // a SyntaxError found by V8 has no frame in the cell: its place is only known to the inspector; one of an imported file says where it is
  if (error instanceof SyntaxError && /^SyntaxError\b/.test(String(error.stack)) && !String(error.stack).includes(url) && !('place' in error)) error.stack = `${String(error)}\n    at ${url}:${line + 1}:${column + 1}`
  return error instanceof Interrupted ? { type: 'interrupted' } : { type: 'thrown', error }
}

function primitive({ value, unserializableValue, description }: Thrown): unknown {
  if (unserializableValue === undefined) return value === undefined && description !== undefined && description !== 'undefined' ? description : value
  return unserializableValue.endsWith('n') ? BigInt(unserializableValue.slice(0, -1)) : Number(unserializableValue)
}
