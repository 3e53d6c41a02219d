// `name?` or `?name` as a whole cell: what the language service knows about the name, as a page for the front end's pager.
import type { LanguageService } from '../language/index.js'

/** The name that a cell asks about; undefined for a cell that is code. */
export function helpRequest(code: string): string | undefined {
  const [, before, behind] = /^\s*(?:\?{1,2}\s*([\p{ID_Continue}$.#]+)|([\p{ID_Continue}$.#]+)\s*\?{1,2})\s*;?\s*$/u.exec(code) ?? []
  return before ?? behind
}

/** A payload of execute_reply. */
export async function helpPage(name: string, language: LanguageService | undefined): Promise<Record<string, unknown>> {
  const answer = await language?.inspect(name, [...name].length, 0)
  const data = answer?.found ? answer.data : { 'text/plain': language ? `Nothing is known about ${name}.` : 'The language service does not run.' }
  return { source: 'page', start: 0, data }
}
