// What fine-tuning reaches and costs, task by task, over seeds. One JSON object a line with --json: name, system, value, unit, seed.
//   npm run bench -- finetune [--only pictograms,sms] [--seeds 3] [--quick] [--json]
// Each task is a file in finetune/. Recipes were chosen on validation rows; the test rows are read once, here. Figures of several seeds: their mean, and each.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const option = (name, otherwise) => process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise
const json = process.argv.includes('--json'), quick = process.argv.includes('--quick'), seeds = Number(option('--seeds', '3'))
const folder = join(import.meta.dirname, 'finetune')
const tasks = readdirSync(folder).filter((file) => file.endsWith('.mjs') && !file.startsWith('_')).map((file) => file.replace('.mjs', ''))
const only = option('--only')?.split(',') ?? tasks
for (const name of only) if (!tasks.includes(name)) { process.stderr.write(`Cannot run the task "${name}": there are ${tasks.join(', ')}.\n`); process.exit(2) }

for (const task of only) {
  const { run } = await import(pathToFileURL(join(folder, `${task}.mjs`)).href)
  const found = new Map()
  for (let seed = 0; seed < seeds; seed++) {
    const record = (name, value, unit) => {
      const whole = `${task}: ${name}`
      const key = `${whole}\n${unit}` // one name may be measured in several ways
      found.set(key, { name: whole, unit, values: [...(found.get(key)?.values ?? []), value] })
      if (json) console.log(JSON.stringify({ name: whole, system: 'afinar', value: Number(value.toPrecision(6)), unit, seed }))
    }
    /** Runs `work` and records the processor time that it took, of all threads. */
    const timed = async (name, work) => {
      const before = process.cpuUsage(), start = performance.now(), result = await work()
      const { user, system } = process.cpuUsage(before)
      record(`${name}, CPU`, (user + system) / 1e6, 's')
      record(`${name}, wall`, (performance.now() - start) / 1000, 's')
      return result
    }
    try { await run({ seed, quick, record, timed }) } catch (error) {
      process.stderr.write(`${task}, seed ${seed}: ${error.message}\n`)
      process.exitCode = 1
    }
  }
  if (!json) for (const { name, values, unit } of found.values()) console.log(`${name.padEnd(60)} ${(values.reduce((a, b) => a + b, 0) / values.length).toFixed(3)} ${unit}   (${values.map((value) => value.toFixed(3)).join(', ')})`)
}
