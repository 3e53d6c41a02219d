// The Debug Adapter Protocol on one side, V8's own debugger on the other. Lives on the thread that hears Stop, so that it answers while the
// main thread stands at a breakpoint. Not here: places (sources.ts), how values look (values.ts), Jupyter's messages (kernel/host/debugger.ts).
import inspector from 'node:inspector'
import type { Debugger, Runtime } from 'node:inspector'
import { runtime, transpileExpression } from '../../language/transpile.js'
import type { Announced } from './announce.js'
import { cellPath, hash, Sources } from './sources.js'
import { lineOf, typeOf, Values, type Variable } from './values.js'

export interface DebugRequest { type: 'request'; seq: number; command: string; arguments?: Record<string, any> }
export interface DebugResponse { type: 'response'; request_seq: number; success: boolean; command: string; message?: string; body: Record<string, unknown> }
export interface DebugEvent { type: 'event'; event: string; body: Record<string, unknown> }

/** Where a debugger has nothing to look for: this kernel, its library, packages and Node. */
const blackboxed = ['^node:', '/node_modules/', `^${new URL('../../..', import.meta.url).href.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`, '^$']

/** Scripts that may be the user's. */
const ownURL = /^(?:afinar:|file:.*\.[cm]?ts\?v=)/

const thread = { id: 1, name: 'cells' }

interface Breakpoint { line: number; condition?: string; logMessage?: string }
interface Paused { frames: Debugger.CallFrame[]; reason: string; text: string }

export class DebugAdapter {
  readonly #v8 = new inspector.Session()
  readonly #values = new Values((method, params) => this.#post(method, params))
  readonly #breakpoints = new Map<string, { wanted: Breakpoint[]; ids: string[] }>()
  /** By V8's number of a script; frames name no more of it. */
  readonly #urls = new Map<string, string>()
  /** From "initialize" on, as front ends expect: one that asks in between would take the debugger for off. */
  #started = false
  #attached = false
  #paused: Paused | undefined
  /** A stopped cell pauses no more. */
  #skips = false
  /** The cells and files on the stack when a step was asked for. */
  #stepping: Set<string | undefined> | undefined

  /** @param sources those that were announced since the session began @param emit takes events to the front ends @param attached is told when a debugger comes and goes */
  constructor(private readonly sources: Sources, private readonly emit: (event: DebugEvent) => void, private readonly attached: (is: boolean) => void) {
    this.#v8.connectToMainThread()
    this.#v8.on('Debugger.scriptParsed', ({ params: { scriptId, url } }) => { if (ownURL.test(url)) this.#urls.set(scriptId, url) })
    this.#v8.on('Debugger.paused', ({ params }) => void this.#hearPaused(params))
    this.#v8.on('Debugger.resumed', () => this.#hearResumed())
  }

  get isPaused(): boolean { return this.#paused !== undefined }

  /** Never rejects. */
  async answer(request: DebugRequest): Promise<DebugResponse> {
    const { command, seq } = request, work = Object.hasOwn(this.#commands, command) ? this.#commands[command] : undefined
    const response = { type: 'response', request_seq: seq, command } as const
    if (!work) return { ...response, success: false, message: `this kernel does not know the request "${command}"`, body: {} }
    try {
      if (!this.#attached && !anytime.has(command)) throw new Error('no debugger is attached; send "attach" first')
      return { ...response, success: true, body: await work(request.arguments ?? {}) ?? {} }
    } catch (error) {
      return { ...response, success: false, message: (error as Error).message, body: {} }
    }
  }

  /** Puts the breakpoints of a cell in place that is about to run. */
  async prepare(cell: Announced): Promise<void> {
    const path = this.sources.pathOf(cell)
    if (this.#breakpoints.has(path)) await this.#set(path)
    if (this.#skips) await this.#post('Debugger.setSkipAllPauses', { skip: this.#skips = false })
  }

  /** Stop: the program goes on from where it stands, and pauses no more until the next cell. */
  async letGo(): Promise<void> {
    if (!this.#paused) return
    await this.#post('Debugger.setSkipAllPauses', { skip: this.#skips = true })
    await this.#post('Debugger.resume')
  }

  readonly #commands: Record<string, (o: Record<string, any>) => Promise<Record<string, unknown> | void>> = {
    initialize: async () => {
      this.#started = true
      return {
        supportsConfigurationDoneRequest: true, supportsConditionalBreakpoints: true, supportsLogPoints: true, supportsEvaluateForHovers: true, supportsVariablePaging: true,
        exceptionBreakpointFilters: [{ filter: 'raised', label: 'Raised Exceptions', default: false }, { filter: 'uncaught', label: 'Uncaught Exceptions', default: false }],
      }
    },
    debugInfo: async () => ({
      isStarted: this.#started, hashMethod: hash.method, hashSeed: hash.seed, tmpFilePrefix: `${cellPath.prefix}/`, tmpFileSuffix: cellPath.suffix,
      breakpoints: [...this.#breakpoints].map(([path, { wanted }]) => ({ source: path, breakpoints: wanted.map((one) => ({ ...one, verified: true, source: { path } })) })),
      stoppedThreads: this.#paused ? [thread.id] : [], richRendering: true, exceptionPaths: ['raised', 'uncaught'], copyToGlobals: true,
    }),
    attach: async () => {
      await this.#post('Debugger.enable')
      await this.#post('Debugger.setBlackboxPatterns', { patterns: blackboxed })
      await this.#post('Debugger.setAsyncCallStackDepth', { maxDepth: 8 })
      await this.#post('Runtime.enable')
      this.#attached = true
      this.attached(true)
      this.emit({ type: 'event', event: 'initialized', body: {} })
    },
    configurationDone: async () => {},
    disconnect: () => this.#detach(),
    terminate: () => this.#detach(),
    dumpCell: async ({ code, text }) => {
      if (typeof code !== 'string') throw new Error('dumpCell needs the code of a cell')
      return { sourcePath: this.sources.dump(code, text) }
    },
    setBreakpoints: async ({ source, breakpoints = [] }) => {
      const path = pathOf(source)
      if (!Array.isArray(breakpoints) || !breakpoints.every((one) => Number.isInteger(one?.line) && one.line > 0)) throw new Error('each breakpoint needs a line, counted from 1')
      await this.#remove(path)
      if (breakpoints.length > 0) this.#breakpoints.set(path, { wanted: breakpoints, ids: [] })
      return { breakpoints: await this.#set(path) }
    },
    setExceptionBreakpoints: async ({ filters = [] }) => {
      await this.#post('Debugger.setPauseOnExceptions', { state: filters.includes('raised') ? 'all' : filters.includes('uncaught') ? 'uncaught' : 'none' })
    },
    threads: async () => ({ threads: [thread] }),
    stackTrace: async ({ startFrame = 0, levels = 0 }) => {
      const frames = this.#frames(), shown = frames.slice(startFrame, levels > 0 ? startFrame + levels : undefined)
      return { totalFrames: frames.length, stackFrames: shown.map(({ id, place, name }) => ({ id, name, line: place.line, column: place.column, source: { name: place.name, path: place.path }, presentationHint: 'normal' })) }
    },
    scopes: async ({ frameId }) => {
      const { frame } = this.#frame(frameId), found = new Map<string, string[]>()
      for (const scope of frame.scopeChain) {
        const name = { script: 'Cells', closure: 'Closure', global: '', module: 'Module' }[scope.type as string] ?? 'Local'
        if (name && scope.object.objectId) found.set(name, [...found.get(name) ?? [], scope.object.objectId])
      }
      return { scopes: [...found].map(([name, objects]) => ({ name, variablesReference: this.#values.refer(...objects), expensive: false, ...(name === 'Local' ? { presentationHint: 'locals' } : {}) })) }
    },
    variables: async ({ variablesReference, start, count }) => ({ variables: await this.#values.parts(Number(variablesReference), start, count) }),
    inspectVariables: async () => ({ variables: await this.#globals() }),
    richInspectVariables: async ({ variableName, frameId }) => {
      const value = transpileExpression(String(variableName))
      // its own display may take its time, which a paused program does not have
      if (this.#paused) return { data: { 'text/plain': lineOf(await this.#inspect(value, frameId)) }, metadata: {} }
      return JSON.parse((await this.#inspect(`await ${runtime}.shown(${value})`)).value as string) as Record<string, unknown>
    },
    evaluate: async ({ expression, frameId }) => {
      const found = await this.#inspect(transpileExpression(String(expression)), frameId), { value, variablesReference } = this.#values.variable('', found)
      return { result: value, type: typeOf(found), variablesReference }
    },
    copyToGlobals: async ({ srcVariableName, dstVariableName, srcFrameId }) => {
      await this.#inspect(`globalThis[${JSON.stringify(String(dstVariableName))}] = (${transpileExpression(String(srcVariableName))})`, srcFrameId)
    },
    source: async ({ source }) => {
      const content = this.sources.textOf(pathOf(source))
      if (content === undefined) throw new Error(`"${pathOf(source)}" is no cell and no TypeScript file`)
      return { content, mimeType: 'text/typescript' }
    },
    modules: async () => ({ modules: this.sources.paths.map(({ path, name }) => ({ id: path, path, name })), totalModules: this.sources.paths.length }),
    pause: () => this.#post('Debugger.pause'),
    continue: async () => { await this.#go('resume'); return { allThreadsContinued: true } },
    next: () => this.#go('stepOver'),
    stepIn: () => this.#go('stepInto'),
    stepOut: () => this.#go('stepOut'),
  }

  #post(method: string, params: object = {}): Promise<any> {
    return new Promise((resolve, reject) => this.#v8.post(method as 'Debugger.resume', params as never, (error: Error | null, answer?: unknown) => error ? reject(new Error(error.message)) : resolve(answer)))
  }

  async #go(how: 'resume' | 'stepOver' | 'stepInto' | 'stepOut'): Promise<void> {
    if (!this.#paused) throw new Error('nothing is paused')
    this.#stepping = how === 'resume' ? undefined : new Set(this.#frames().map(({ frame }) => this.#urlOf(frame)))
    await this.#post(`Debugger.${how}`)
  }

  async #detach(): Promise<void> {
    this.#started = false
    if (!this.#attached) return
    this.#attached = false
    this.attached(false)
    this.#breakpoints.clear()
    this.#urls.clear()
    await this.#post('Debugger.disable') // whoever is paused goes on
    await this.#post('Runtime.disable')
    this.#hearResumed()
  }

  async #remove(path: string): Promise<void> {
    for (const breakpointId of this.#breakpoints.get(path)?.ids ?? []) await this.#post('Debugger.removeBreakpoint', { breakpointId })
    this.#breakpoints.delete(path)
  }

  /** Gives V8 the breakpoints of a path for all code that stems from it. */
  async #set(path: string): Promise<object[]> {
    const known = this.#breakpoints.get(path)
    if (!known) return []
    for (const breakpointId of known.ids.splice(0)) await this.#post('Debugger.removeBreakpoint', { breakpointId })
    const answers: object[] = []
    for (const { line, condition, logMessage } of known.wanted) {
      let actual = line
      for (const { at, place } of this.sources.generated(path, line)) {
        const test = logMessage !== undefined ? `console.log(${templateOf(logMessage)}), false` : condition ? transpileExpression(condition) : ''
        const { breakpointId, locations } = await this.#post('Debugger.setBreakpointByUrl', { ...at, lineNumber: place.line - 1, columnNumber: place.column - 1, condition: test }) as Debugger.SetBreakpointByUrlReturnType
        known.ids.push(breakpointId)
        const [first] = locations
        if ('url' in at) actual = this.sources.original(at.url, first ? { line: first.lineNumber + 1, column: (first.columnNumber ?? 0) + 1 } : place)?.line ?? actual
      }
      answers.push({ verified: true, line: actual, source: { path } })
    }
    return answers
  }

  async #hearPaused({ callFrames, reason, hitBreakpoints = [], data }: Debugger.PausedEventDataType): Promise<void> {
    const own = callFrames.some((frame) => this.#place(frame))
    const elsewhere = this.#stepping !== undefined && hitBreakpoints.length === 0 && reason === 'other' && !callFrames.some((frame) => this.#stepping!.has(this.#urlOf(frame) ?? ''))
    // a step that led out of its cell is over, and what cannot be shown is no place to stand
    if (!this.#attached || elsewhere || !own) {
      this.#stepping = undefined
      return void this.#post('Debugger.resume').catch(() => {})
    }
    const text = (data as Runtime.RemoteObject | undefined)?.description?.split('\n')[0] ?? ''
    this.#paused = { frames: callFrames, reason: /exception|promiseRejection/.test(reason) ? 'exception' : hitBreakpoints.length > 0 || reason === 'debugCommand' ? 'breakpoint' : this.#stepping === undefined ? 'pause' : 'step', text }
    this.#stepping = undefined
    this.emit({ type: 'event', event: 'stopped', body: { reason: this.#paused.reason, threadId: thread.id, allThreadsStopped: true, preserveFocusHint: false, ...(text ? { text } : {}) } })
  }

  #hearResumed(): void {
    if (!this.#paused) return
    this.#paused = undefined
    this.#values.forget()
    this.emit({ type: 'event', event: 'continued', body: { threadId: thread.id, allThreadsContinued: true } })
  }

  #urlOf(frame: Debugger.CallFrame | undefined): string | undefined { return frame && this.#urls.get(frame.location.scriptId) }

  #place(frame: Debugger.CallFrame) {
    const url = this.#urlOf(frame), { lineNumber, columnNumber = 0 } = frame.location
    return url === undefined ? undefined : this.sources.original(url, { line: lineNumber + 1, column: columnNumber + 1 })
  }

  /** The frames that stand in the user's own code. */
  #frames() {
    return (this.#paused?.frames ?? []).flatMap((frame, at) => {
      const place = this.#place(frame)
      return place ? [{ id: at + 1, frame, place, name: frame.functionName || place.name }] : []
    })
  }

  #frame(id: unknown) {
    const found = this.#frames().find((frame) => frame.id === id)
    if (!found) throw new Error(this.#paused ? `there is no frame ${String(id)}` : 'nothing is paused, so there are no frames')
    return found
  }

  /** The value of an expression: in a frame, where one is given and stands; else among the cells' variables. */
  async #inspect(expression: string, frameId?: unknown): Promise<Runtime.RemoteObject> {
    const frame = this.#paused && (frameId ? this.#frame(frameId).frame : this.#paused.frames[0])
    const { result, exceptionDetails } = frame
      ? await this.#post('Debugger.evaluateOnCallFrame', { callFrameId: frame.callFrameId, expression, generatePreview: true, silent: true })
      : await this.#post('Runtime.evaluate', { expression, generatePreview: true, silent: true, replMode: true, awaitPromise: true })
    if (exceptionDetails) throw new Error((exceptionDetails.exception?.description ?? exceptionDetails.text).split('\n')[0])
    return result as Runtime.RemoteObject
  }

  /** The variables that cells have declared. */
  async #globals(): Promise<Variable[]> {
    const { names } = await this.#post('Runtime.globalLexicalScopeNames') as { names: string[] }, variables: Variable[] = []
    for (const name of names.filter((each) => !each.startsWith('_usingCtx'))) {
      try { variables.push(this.#values.variable(name, await this.#inspect(name), name)) } catch { /* its cell has not come to it yet */ }
    }
    return variables
  }
}

/** What may be asked before a debugger is attached. */
const anytime = new Set(['initialize', 'attach', 'debugInfo', 'inspectVariables', 'richInspectVariables', 'evaluate', 'disconnect', 'terminate', 'dumpCell', 'source', 'modules', 'threads', 'configurationDone'])

function pathOf(source: unknown): string {
  const path = (source as { path?: unknown } | undefined)?.path
  if (typeof path !== 'string' || path === '') throw new Error('it needs the path of a source')
  return path
}

/** A log message's {expressions} as a template string. */
const templateOf = (message: string) => `\`${message.replace(/[`\\]|\$(?=\{)/g, '\\$&').replace(/\{([^{}]*)\}/g, (_, expression: string) => `\${${transpileExpression(expression)}}`)}\``
