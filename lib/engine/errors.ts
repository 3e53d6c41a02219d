// The one error class of this room. It carries TensorFlow's status code and the op that failed, where there is one.

/** An error of the engine: no library, an op that TensorFlow refused, a step that cannot run. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  /** TensorFlow's status code (3 invalid argument, 5 not found, 8 resource exhausted, 1 cancelled …); undefined for our own errors. */
  readonly code: number | undefined
  /** The TensorFlow op that failed, by name. */
  readonly op: string | undefined

  constructor(message: string, facts: { code?: number; op?: string; cause?: unknown } = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.code = facts.code
    this.op = facts.op
  }
}

/** TensorFlow's status codes that the engine acts on (tensorflow/c/tf_status.h). */
export const StatusCode = { ok: 0, cancelled: 1, resourceExhausted: 8, unimplemented: 12 } as const
