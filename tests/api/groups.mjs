// A plugin of TypeDoc: the headings of the front door, lib/index.ts, are the groups of the reference.
import { readFileSync } from 'node:fs'
import { Comment, CommentTag, Converter, ReflectionKind } from 'typedoc'

/** Heading by exported name. */
export function headings(door = readFileSync('lib/index.ts', 'utf8')) {
  const found = new Map()
  let heading
  for (const part of door.split(/^(?=\/\/ |export )/m)) {
    const title = /^\/\/ ([A-Z][\w-]+)$/m.exec(part)?.[1]
    if (title) heading = title
    if (!part.startsWith('export')) continue
    const names = /\{([^}]*)\}/.exec(part)?.[1].split(',').map((name) => name.trim().split(' as ').at(-1)).filter(Boolean) ?? [/\* as (\w+)/.exec(part)[1]]
    for (const name of names) found.set(name, heading)
  }
  return found
}

export function load(app) {
  const groups = headings()
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const under = (reflection, group) => {
      for (const part of reflection.signatures?.length ? reflection.signatures : [reflection]) {
        part.comment ??= new Comment()
        part.comment.removeTags('@group')
        part.comment.blockTags.push(new CommentTag('@group', [{ kind: 'text', text: group }]))
      }
    }
    for (const child of project.children ?? []) {
      const group = groups.get(child.name)
      if (!group) throw new Error(`Cannot group ${child.name}: lib/index.ts has it under no heading.`)
      if (child.kindOf(ReflectionKind.ExportContainer | ReflectionKind.SomeExport)) under(child, group)
    }
  })
}
