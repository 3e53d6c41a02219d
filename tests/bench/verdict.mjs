// Whether the verdict is right: on courses generated from a known kind, and on real trainings forced into each state. One JSON object a line with --json.
//   npm run bench -- verdict [--courses 100] [--seeds 3] [--json]
// Build first: courses and states are the tests' own, compiled.
import { startEngine } from '../../dist/lib/engine/index.js'
import { judge } from '../../dist/lib/train/index.js'
import { courseOf, kinds } from '../../dist/tests/train/support/courses.js'
import { force, states, trueOnset } from '../../dist/tests/workflow/support/states.js'

const option = (name, otherwise) => process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : otherwise
const json = process.argv.includes('--json'), courses = option('--courses', 100), seeds = option('--seeds', 3)
// The judge was made while looking at courses from 0 on and trainings from 0 on; these are others.
const firstCourse = 1000, firstSeed = 50

const emptyTable = () => Object.fromEntries(kinds.map((kind) => [kind, Object.fromEntries(kinds.map((other) => [other, 0]))]))
const report = (name, value, unit) => { if (json) console.log(JSON.stringify({ name, system: 'afinar', value, unit })) }

function show(title, table, onsets) {
  const total = kinds.reduce((sum, kind) => sum + Object.values(table[kind]).reduce((a, b) => a + b, 0), 0), right = kinds.reduce((sum, kind) => sum + table[kind][kind], 0)
  for (const kind of kinds) for (const [verdict, count] of Object.entries(table[kind])) if (count > 0) report(`${title}: ${kind}, judged ${verdict}`, count, 'runs')
  report(`${title}: right`, right / total, 'share')
  const inside = onsets.filter(({ interval, onset }) => interval[0] <= onset && onset <= interval[1]).length, width = onsets.reduce((sum, { interval }) => sum + interval[1] - interval[0], 0) / onsets.length
  const off = onsets.reduce((sum, { said, onset }) => sum + Math.abs(said - onset), 0) / onsets.length
  report(`${title}: true onset inside the interval`, inside / onsets.length, 'share')
  report(`${title}: distance of the onset`, off, 'epochs')
  report(`${title}: width of the interval`, width, 'epochs')
  if (json) return
  console.log(`\n${title}: ${right} of ${total} right (${(100 * right / total).toFixed(1)} %); true onset inside the interval in ${inside} of ${onsets.length}, off by ${off.toFixed(1)} epochs, interval ${width.toFixed(1)} epochs wide`)
  console.log(`| true ＼ judged | ${kinds.join(' | ')} |\n|---|${kinds.map(() => '--:').join('|')}|`)
  for (const kind of kinds) console.log(`| ${kind} | ${kinds.map((other) => table[kind][other] || '').join(' | ')} |`)
}

const generated = emptyTable(), generatedOnsets = []
for (const kind of kinds) for (let seed = firstCourse; seed < firstCourse + courses; seed++) {
  const { epochs, rows, validationRows, classes, onset } = courseOf(kind, seed)
  const { verdict, onsetEpoch, interval } = judge(epochs, { rows, validationRows, classes, metric: 'accuracy', planned: epochs.length })
  generated[kind][verdict]++
  if (kind === 'overfitting' && verdict === kind) generatedOnsets.push({ onset, said: onsetEpoch, interval })
}
show('generated courses', generated, generatedOnsets)

startEngine()
const real = emptyTable(), realOnsets = []
for (const state of states) for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
  const { overfitting: { verdict, onsetEpoch, interval, evidence } } = await force(state, seed)
  real[state.kind][verdict]++
  if (verdict !== state.kind && !json) console.log(`${state.name}, seed ${seed}: ${state.kind}, judged ${verdict}. ${evidence}`)
  if (state.kind === 'overfitting' && verdict === state.kind) realOnsets.push({ onset: await trueOnset(state, seed), said: onsetEpoch, interval })
}
show('real trainings', real, realOnsets)
process.exit()
