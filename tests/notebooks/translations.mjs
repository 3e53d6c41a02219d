// Notebooks that are told in two languages: the same code, cell by cell, and all text told anew.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const pairs = [['01-fine-tune-images.ipynb', '01-ajuste-fino-de-imagens.ipynb']]
const read = (file) => JSON.parse(readFileSync(join('notebooks', file), 'utf8')).cells.map(({ cell_type, source, metadata }) => ({ kind: cell_type, text: [source].flat().join(''), tags: metadata.tags ?? [] }))

export const tests = pairs.map(([original, translation]) => [`${translation} has the code cells of ${original}, and its own text`, () => {
  const [one, other] = [read(original), read(translation)]
  if (one.length !== other.length) throw new Error(`${original} has ${one.length} cells, ${translation} ${other.length}`)
  one.forEach((cell, i) => {
    const told = other[i]
    if (cell.kind !== told.kind || JSON.stringify(cell.tags) !== JSON.stringify(told.tags)) throw new Error(`cell ${i} is ${cell.kind} ${cell.tags} in one and ${told.kind} ${told.tags} in the other`)
    if (cell.kind === 'code' && cell.text !== told.text) throw new Error(`code cell ${i} differs:\n${cell.text}\n---\n${told.text}`)
    if (cell.kind === 'markdown' && cell.text === told.text) throw new Error(`cell ${i} is not translated:\n${cell.text.slice(0, 300)}`)
  })
}])
