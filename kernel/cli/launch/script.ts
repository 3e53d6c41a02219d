// What a launched worker runs: the user's script, as TypeScript or JavaScript, with this package at hand.
import { register } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const [file = '', ...args] = process.argv.slice(2)
const script = resolve(file)
process.argv = [process.argv[0]!, script, ...args]
register('./script-hooks.js', import.meta.url, { data: { kernel: import.meta.url } })
await import(pathToFileURL(script).href)
