// Makes a fresh clone ready, each part only when it is needed: packages, build, Python's side.
// Everything under setup/ is plain JavaScript that imports nothing from npm, because it runs before npm has installed anything.
//   node kernel/cli/setup.mjs [--build | --no-python | --tests]
import { SetupError } from './setup/step.mjs'
import { checkMachine } from './setup/machine.mjs'
import { build, installPackages } from './setup/packages.mjs'
import { setUpPython } from './setup/python.mjs'

const only = process.argv.slice(2)
process.once('SIGINT', () => {
  process.stderr.write('\nInterrupted. Nothing is lost: run the same command again and it goes on from here.\n')
  process.exit(130)
})
try {
  checkMachine()
  if (!only.includes('--build')) await installPackages()
  await build()
  if (!only.includes('--build') && !only.includes('--no-python')) await setUpPython(undefined, { tests: only.includes('--tests') })
} catch (error) {
  if (!(error instanceof SetupError)) throw error
  process.stderr.write(`\n${error.message}\n`)
  process.exit(1)
}
