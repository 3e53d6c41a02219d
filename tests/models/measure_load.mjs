// How far a process grows while it loads a model, in parts of the model's weights. argv: source; stdout: {weights, peak, ratio}, bytes.
import { readFileSync } from 'node:fs'
import { startEngine } from '../../dist/lib/engine/index.js'
import { buildModel, loadModel } from '../../dist/lib/models/index.js'

const memory = (field) => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1])
startEngine()
// A small one first, so that code and threads are there already.
buildModel('bert', { classes: ['a', 'b'], preprocessing: { kind: 'text', tokenizer: { tokenizer: {} }, maxLength: 38 }, config: { vocab_size: 40, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64 } }).dispose()
const before = memory('VmRSS'), model = await loadModel(process.argv[2])
const { weights } = model.summary().memory, peak = memory('VmHWM') - before
process.stdout.write(`${JSON.stringify({ weights, peak, ratio: peak / weights })}\n`)
