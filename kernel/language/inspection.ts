// From the language server's hover and signature help to an `inspect_reply`. Not here: the requests (service.ts).
import type { Inspection } from './answers.js'
import { withoutOurNames } from './diagnostics.js'

export interface ServerHover { contents: { value: string } | string }
interface Documentation { value: string }
export interface ServerSignatures {
  signatures: { label: string; documentation?: string | Documentation; parameters?: { label: string | [number, number]; documentation?: string | Documentation }[] }[]
  activeSignature?: number; activeParameter?: number
}

export const NOTHING: Inspection = { found: false, data: {}, metadata: {} }

/** Where to look for a name when the cursor is at `cursor`: on it, or just behind it. Undefined where there is no name. */
export function nameAt(code: string, cursor: number): number | undefined {
  const isName = (character: string | undefined): boolean => character !== undefined && /[\p{ID_Continue}$#]/u.test(character)
  if (isName(code[cursor])) return cursor
  return cursor > 0 && isName(code[cursor - 1]) ? cursor - 1 : undefined
}

export function fromHover(hover: ServerHover | null | undefined): Inspection {
  const value = typeof hover?.contents === 'string' ? hover.contents : hover?.contents.value
  // `any` alone is what the server says of a name that nobody declared
  if (value === undefined || /^(?:```\w*\s*any\s*```)?\s*$/.test(value)) return NOTHING
  return inspection(withoutOurNames(value).replace(/^(```\w*\n)\(alias\) /, '$1').trim())
}

/** The signatures of the call around the cursor, the active parameter named below the one that applies. */
export function fromSignatures(help: ServerSignatures | null | undefined): Inspection {
  if (help == null || help.signatures.length === 0) return NOTHING
  const active = help.signatures[help.activeSignature ?? 0] ?? help.signatures[0]
  if (active === undefined) return NOTHING
  const parameter = active.parameters?.[help.activeParameter ?? 0]
  const name = parameter === undefined ? undefined : typeof parameter.label === 'string' ? parameter.label : active.label.slice(...parameter.label)
  const others = help.signatures.filter(each => each !== active).map(each => each.label)
  const parts = ['```typescript\n' + [active.label, ...others].join('\n') + '\n```']
  if (name !== undefined) parts.push(`\`${name}\`${text(parameter?.documentation) === '' ? '' : ` — ${text(parameter?.documentation)}`}`)
  if (text(active.documentation) !== '') parts.push(text(active.documentation))
  return inspection(withoutOurNames(parts.join('\n\n')))
}

function text(documentation: string | Documentation | undefined): string {
  return typeof documentation === 'object' ? documentation.value : documentation ?? ''
}

function inspection(markdown: string): Inspection {
  return { found: true, data: { 'text/plain': plain(markdown), 'text/markdown': markdown }, metadata: {} }
}

/** Markdown without its marks, for consoles. */
function plain(markdown: string): string {
  return markdown.replace(/^```\w*\n?/gm, '').replace(/\*\*|__|`/g, '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/\*(@\w+)\*/g, '$1').replace(/\n{3,}/g, '\n\n').trim()
}
