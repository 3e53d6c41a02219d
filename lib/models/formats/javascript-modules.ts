// Some packages keep a TensorFlow.js model as JavaScript modules, so that bundlers can carry it: model.js exports the manifest, each shard a base64 string.
// They become plain files again. The modules are parsed and never run.
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Node, parseSync } from 'oxc-parser'
import { ModelError } from '../errors.js'

const largestModule = 64 * 2 ** 20

function refuse(what: string, why: string): never {
  throw new ModelError(`Cannot read ${what}: ${why}. The package holds its model in a form that is not known.`)
}

/** The value of an expression that is made of literals alone. */
function literal(node: Node, what: string): unknown {
  switch (node.type) {
    case 'Literal': return node.value
    case 'ArrayExpression': return node.elements.map((element) => element === null ? null : literal(element as Node, what))
    case 'ObjectExpression': return Object.fromEntries(node.properties.map((property) => {
      if (property.type !== 'Property' || property.computed) return refuse(what, 'its manifest is computed')
      const { key } = property
      return [key.type === 'Identifier' ? key.name : String((key as { value?: unknown }).value), literal(property.value as Node, what)] as const
    }))
    case 'UnaryExpression': {
      const value = literal(node.argument as Node, what)
      if (node.operator === '-') return -(value as number)
      if (node.operator === '!') return !value
      return node.operator === 'void' ? undefined : refuse(what, `its manifest is computed (${node.operator})`)
    }
    case 'TemplateLiteral': return node.expressions.length === 0 ? node.quasis[0]!.value.cooked : refuse(what, 'its manifest is computed')
    case 'Identifier': return node.name === 'undefined' ? undefined : refuse(what, `its manifest uses the variable ${node.name}`)
    default: return refuse(what, `its manifest is computed (${node.type})`)
  }
}

/** The object with a "weightsManifest" in a module's source. */
export function manifestIn(source: string, what: string): Record<string, unknown> {
  const { program, errors } = parseSync('module.js', source)
  if (errors.length > 0 && program.body.length === 0) refuse(what, 'it is not JavaScript')
  const open: unknown[] = [program]
  while (open.length > 0) {
    const node = open.pop() as Record<string, unknown>
    if (node['type'] === 'ObjectExpression' && (node['properties'] as { key?: { name?: string; value?: unknown } }[]).some(({ key }) => (key?.name ?? key?.value) === 'weightsManifest')) return literal(node as unknown as Node, what) as Record<string, unknown>
    for (const value of Object.values(node)) if (typeof value === 'object' && value !== null) open.push(...Array.isArray(value) ? value.filter((one) => typeof one === 'object' && one !== null) : [value])
  }
  return refuse(what, 'it has no "weightsManifest"')
}

/** The longest base64 string in a module's source, decoded. */
export function bytesIn(source: string, what: string): Buffer {
  let longest = ''
  // Not by a regular expression: on megabytes in one string it overflows the stack.
  for (const piece of source.split(/["'`]/)) if (piece.length > longest.length) longest = piece
  for (let at = 0; at < longest.length; at += 1 << 16) if (!/^[A-Za-z0-9+/]*={0,2}$/.test(longest.slice(at, at + (1 << 16)))) return refuse(what, 'its longest text is not base64')
  return longest.length < 64 ? refuse(what, 'it holds no base64 text') : Buffer.from(longest, 'base64')
}

const read = async (folder: string, name: string) => {
  const bytes = await readFile(join(folder, name))
  return bytes.length > largestModule ? refuse(name, `it has ${bytes.length} bytes`) : bytes.toString('utf8')
}

/** Replaces the modules among `files` by plain files; says what package.json says about version and licence. */
export async function plainModules(folder: string, files: readonly string[]): Promise<{ files: string[]; package: Record<string, string> }> {
  const out: string[] = []
  for (const name of files) {
    const [, stem, kind] = /^(.*?)(?:\.min)?\.([cm]?js)$/.exec(name) ?? []
    if (kind === undefined) { out.push(name); continue }
    const isShard = /(^|\/)group\d+-shard\d+of\d+$/.test(stem!), target = isShard ? stem! : `${stem}.json`
    try {
      const source = await read(folder, name)
      await writeFile(join(folder, target), isShard ? bytesIn(source, name) : JSON.stringify(manifestIn(source, name)))
      out.push(target)
    } catch (error) {
      if (!(error instanceof ModelError)) throw error // a module that only is named like one: left out
    }
    await rm(join(folder, name))
  }
  const facts = await readFile(join(folder, 'package.json'), 'utf8').then((text) => JSON.parse(text) as Record<string, unknown>).catch(() => ({} as Record<string, unknown>))
  return { files: [...new Set(out)], package: Object.fromEntries([['version', facts['version']], ['licence', facts['license']]].filter((entry): entry is [string, string] => typeof entry[1] === 'string')) }
}
