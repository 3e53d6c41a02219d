// JupyterLab's messages in Brazilian Portuguese: a translator learns from the catalogues of other programs, then from Jupyter's own. Its encoder is MiniLM's;
// beside it a small network from scratch, and copying the translation of the nearest known message. No message is in two parts, nor in Jupyter and elsewhere, case and punctuation aside.
import { bleu, buildModel, chrf, fineTune, loadModel, pairs, samples, trainTokenizer, translate } from '../../../dist/lib/index.js'
import { miniLM } from './_models.mjs'

const longest = 40, vocabularySize = 2000

const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim() || text

/** Spaces in one way, no marks of shortcut keys, and gaps written as Jupyter writes them: %1, %2. */
function tidy({ source, target, file }) {
  const names = new Map()
  const clean = (text) => {
    let bare = 0
    return text.trim().replace(/\s+/g, ' ').replace(/&(?=\w)/g, '').replace(/%\(\w+\)[a-z]|\{\w*\}|%[a-z]\b|%\d/g, (gap) => {
      const name = /^(%[a-z]|\{\})$/.test(gap) ? `bare ${++bare}` : gap
      if (!names.has(name)) names.set(name, `%${names.size + 1}`)
      return names.get(name)
    })
  }
  return { source: clean(source), target: clean(target), file }
}

/** The first of those that are alike, none that is known already. */
const once = (rows, known = new Set()) => rows.filter(({ source }) => { const key = plain(source), isNew = !known.has(key); known.add(key); return isNew })
const rowsOf = (data) => Object.values(data.splits).flatMap(({ rows }) => [...rows])

/** How alike two texts are, 0 to 1: the share of letters in twos, threes and fours that both have. */
function likeness() {
  const kept = new Map()
  const grams = (text) => {
    if (kept.has(text)) return kept.get(text)
    const counts = new Map(), whole = ` ${text.toLowerCase()} `
    for (const n of [2, 3, 4]) for (let i = 0; i + n <= whole.length; i++) counts.set(whole.slice(i, i + n), (counts.get(whole.slice(i, i + n)) ?? 0) + 1)
    kept.set(text, { counts, total: [...counts.values()].reduce((a, b) => a + b, 0) })
    return kept.get(text)
  }
  return (a, b) => {
    const [x, y] = [grams(a), grams(b)]
    let both = 0
    for (const [gram, times] of x.counts) both += Math.min(times, y.counts.get(gram) ?? 0)
    return 2 * both / (x.total + y.total)
  }
}

export async function run({ seed, quick, record, timed }) {
  const jupyterRows = once(rowsOf(await samples.jupyterPortuguese()).map(tidy))
  const jupyter = pairs.fromRows(jupyterRows, { name: 'Jupyter' }) // cut by their text, so alike for every seed
  const others = once(rowsOf(await samples.programsPortuguese()).map(tidy), new Set(jupyterRows.map(({ source }) => plain(source))))
  const short = others.filter(({ source, target }) => source.length <= longest && target.length <= 1.5 * longest && source !== target && !/[<>]/.test(source)).filter((_, i) => !quick || i % 20 === 0)
  const catalogues = pairs.fromRows(short.map((row, i) => ({ ...row, part: i % 30 === 7 ? 'validation' : 'train' })), { split: 'part', name: 'other programs' })
  const { validation, test } = jupyter
  const judge = (name, written) => {
    const truth = test.rows.map(({ target }) => target)
    record(name, bleu(written, truth).score, 'BLEU')
    record(name, chrf(written, truth), 'chrF')
  }

  const alike = likeness(), memory = [...jupyter.train.rows, ...others]
  const nearest = (rows) => rows.map(({ source }) => memory.reduce((best, { source: known, target }) => { const score = alike(source, known); return score > best.score ? { score, target } : best }, { score: -1, target: '' }))
  const known = { validation: nearest(validation.rows), test: nearest(test.rows) }
  if (seed === 0) {
    judge('message as it is, test', test.rows.map(({ source }) => source))
    judge('nearest known message, test', known.test.map(({ target }) => target))
  }

  const tokenizer = (side) => trainTokenizer([...short, ...jupyter.train.rows].map((row) => row[side]), { vocabularySize, lowercase: side === 'source' })
  const part = { hidden_size: 256, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 1024, max_position_embeddings: 128, type_vocab_size: 1 }, target = tokenizer('target')
  const read = (model, rows) => translate(model, rows.map(({ source }) => source), { beams: 4, batchSize: 64, maxLength: 48 })
  const common = { live: false, seed, patience: false, frozenEpochs: 0 }, pool = { ...common, batchSize: 32, learningRate: 1e-3 }, own = { ...common, batchSize: 8, learningRate: 1e-3 }
  const small = () => buildModel('encoder-decoder', { seed, preprocessing: { kind: 'pair', source: tokenizer('source'), target, maxSourceLength: 64, maxTargetLength: 64, decoderStart: 0, padding: 'buckets' }, config: { encoder: { ...part, model_type: 'bert' }, decoder: part } })

  const alone = small()
  await timed('small network from scratch, Jupyter only', () => fineTune(alone, jupyter, { ...own, epochs: quick ? 1 : 20 }))
  judge('small network from scratch, Jupyter only, test', await read(alone, test.rows))
  alone.dispose()

  for (const [name, model, options, epochs] of [
    ['small network from scratch', small(), {}, 10],
    ["MiniLM's encoder", await loadModel(miniLM, { task: 'sequence', target, config: { decoder: part }, seed }), { freeze: 'backbone' }, 8],
  ]) {
    await timed(`${name}, other catalogues`, () => fineTune(model, catalogues, { ...pool, ...options, epochs: quick ? 1 : epochs }))
    judge(`${name}, before Jupyter, test`, await read(model, test.rows))
    await timed(`${name}, fine-tuned to Jupyter`, () => fineTune(model, jupyter, { ...own, ...options, epochs: quick ? 1 : 8 }))
    const written = await read(model, test.rows)
    judge(`${name}, fine-tuned to Jupyter, test`, written)
    // The translation memory's rule: copy where a known message is near enough. How near is decided on validation rows.
    const tried = await read(model, validation.rows), truth = validation.rows.map(({ target }) => target)
    const either = (found, own, threshold) => found.map(({ score, target }, i) => score >= threshold ? target : own[i])
    const scores = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9].map((threshold) => ({ threshold, score: chrf(either(known.validation, tried, threshold), truth) }))
    const { threshold } = scores.reduce((best, one) => one.score > best.score ? one : best)
    record(`${name}, or a known message that is near enough, threshold`, threshold, 'likeness')
    judge(`${name}, or a known message that is near enough, test`, either(known.test, written, threshold))
    model.dispose()
  }
}
