// What the language service answers, as plain records in Jupyter's terms and units (Unicode code points).
// Not here: how the answers come about (service.ts), nor the language server's own records (protocol.ts).

/** One finding of the type checker about a cell. */
export interface Diagnostic {
  /** TypeScript's number, 2322 for TS2322. */
  code: number
  severity: 'error' | 'warning'
  message: string
  /** 1-based line of the cell as the user wrote it, magics included. */
  line: number
  /** 1-based column in code points. */
  column: number
  endLine: number
  /** Exclusive. */
  endColumn: number
  /** The line with its number, and below it the place underlined; tabs kept, no colours. */
  excerpt: string
  /** TypeScript's related places: `'x' is declared here`, with line and column when they lie in this cell. */
  related: { message: string; line?: number; column?: number; file?: string }[]
}

/** The content of a `complete_reply`, less its status. Offsets are code points of the code that was sent. */
export interface Completions {
  matches: string[]
  start: number
  end: number
  /** `_jupyter_types_experimental` as JupyterLab reads it. */
  metadata: { _jupyter_types_experimental?: CompletionItem[] }
}

export interface CompletionItem {
  text: string
  /** TypeScript's kind: 'function', 'const', 'method', 'property', 'module', 'keyword', … */
  type: string
  start: number
  end: number
  signature?: string
  documentation?: string
}

/** The content of an `inspect_reply`, less its status. */
export interface Inspection {
  found: boolean
  /** text/plain and text/markdown. */
  data: Record<string, string>
  metadata: Record<string, unknown>
}

/** The content of an `is_complete_reply`. `indent` is '' unless incomplete. */
export interface Completeness {
  status: 'complete' | 'incomplete' | 'invalid' | 'unknown'
  indent: string
}
