// The program that a kernelspec names: `node main.js --connection-file FILE`, or just the file.
import { startHost } from './index.js'

const file = process.argv.slice(2).find((argument) => !argument.startsWith('-'))
if (!file) {
  process.stderr.write('Cannot start the kernel: it needs the connection file that Jupyter wrote. Try `afinar lab`.\n')
  process.exit(2)
}
startHost(file).catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exit(1)
})
