// Spoken digits: the official parts (the same voices on both sides), and a speaker of whom nothing was known, as he is and after ten recordings of each digit.
// Nothing here hangs on the seed (frozen layers, heads with one best answer, parts by speaker and take), so one does.
import { buildModel, Evaluation, fineTune, loadModel, samples } from '../../../dist/lib/index.js'

export async function run({ seed, quick, record, timed }) {
  if (seed > 0) return
  // One recording of each digit and voice chooses the head's strength: the last take.
  const takes = quick ? 25 : 50, last = takes - 1
  const data = (await samples.spokenDigits({ takes })).assign(({ take }) => Number(take) < 5 ? 'test' : Number(take) === last ? 'validation' : 'train'), { classes } = data
  const speakers = [...new Set(data.train.rows.map(({ speaker }) => speaker))].sort()
  const starts = {
    'log-mel features': [() => buildModel('log-mel', { classes, seed }), { freeze: 'backbone', batchSize: 64 }],
    'speaker encoder': [() => loadModel('pypi:Resemblyzer', { classes, seconds: 0.8, seed }), { freeze: 'backbone', batchSize: 64 }],
  }
  for (const [name, [make, options]] of Object.entries(starts)) {
    const model = await make()
    await timed(`${name}, official`, () => fineTune(model, data, { live: false, seed, ...options }))
    record(`${name}, official test`, (await Evaluation.of(model, data.test)).accuracy, 'accuracy')
    model.dispose()
    let asIs = 0, adapted = 0
    const left = quick ? speakers.slice(0, 1) : speakers
    for (const sixth of left) {
      const others = data.assign(({ speaker, take }) => speaker === sixth ? Number(take) < 10 ? 'adapt' : 'test' : Number(take) === last ? 'validation' : 'train')
      const own = data.assign(({ speaker, take }) => speaker === sixth ? Number(take) < 10 ? 'train' : 'test' : Number(take) === last ? 'validation' : 'train')
      // His hundred recordings together count as much as all the others'.
      const share = others.train.size / (own.train.size - others.train.size)
      for (const [what, parts, more] of [['as is', others, {}], ['adapted', own, { rowWeights: ({ speaker }) => speaker === sixth ? share : 1 }]]) {
        const one = await make()
        await fineTune(one, parts, { live: false, seed, ...options, ...more })
        const { accuracy } = await Evaluation.of(one, parts.test)
        if (what === 'as is') asIs += accuracy / left.length
        else adapted += accuracy / left.length
        one.dispose()
      }
    }
    record(`${name}, sixth speaker as is`, asIs, 'accuracy')
    record(`${name}, sixth speaker, ten recordings a digit`, adapted, 'accuracy')
  }
}
