// A model that can be trained: a tf.LayersModel with its weights by name, its layer groups and what is frozen. Built and filled elsewhere.
import * as tf from '@tensorflow/tfjs'
import type { Preprocessing } from '../data/index.js'
import type { TensorMap } from '../engine/index.js'
import { BatchNorm, type Statistics } from './blocks/batch-norm.js'
import { decoderOf, type Decoder } from './decoder.js'
import { ModelError } from './errors.js'
import type { Architecture, Config, Family, Published, WritingIds } from './family.js'
import { Writer } from './generate.js'
import { headNetwork } from './head.js'
import { fromInputEnd, frozenNames } from './layer-groups.js'
import { networkWeights, type NetworkWeight } from './network-weights.js'
import { saveModel } from './save.js'
import { summarize } from './summary.js'
import type { ForwardContext, Freeze, LayerGroup, Model, ModelSummary, SaveExtra, SummaryOptions, Task } from './types.js'

export interface ModelParts { source: string; family: Family; config: Config; architecture: Architecture; statistics: Statistics; classes: readonly string[]; task: Task; preprocessing: Preprocessing; headIsNew?: boolean; licence?: string | undefined }

export class NeuralModel implements Model {
  readonly source: string
  readonly family: string
  readonly licence: string | undefined
  readonly classes: readonly string[]
  readonly task: Task
  readonly preprocessing: Preprocessing
  readonly network: tf.LayersModel
  readonly parts: ModelParts
  /** Every weight, from the input end to the head. */
  all!: readonly NetworkWeight[]
  /** How it writes, for models that do. */
  readonly decoder: (Decoder & WritingIds) | undefined
  /** The adapters that were added; while there are some, only they and the head train. */
  lora: { rank: number; alpha: number; targets: string[] } | undefined
  private readonly backbone: tf.LayersModel
  private readonly headOnly: tf.LayersModel | undefined
  private names!: Map<tf.Variable, string>
  private frozenGroups = new Set<string>()
  private disposed = false
  private written: Writer | undefined

  constructor(parts: ModelParts) {
    this.parts = parts
    this.source = parts.source
    this.licence = parts.licence
    this.family = parts.family.name
    this.classes = parts.classes
    this.task = parts.task
    this.preprocessing = parts.preprocessing
    this.network = parts.architecture.network
    this.backbone = tf.model({ name: `${parts.family.name}.features`, inputs: this.network.inputs, outputs: parts.architecture.features })
    this.headOnly = headNetwork(parts.family.name, this.network, parts.architecture.features)
    const { writes } = parts.architecture
    this.decoder = writes && { ...writes, ...decoderOf(parts.family.name, this.network, writes) }
    this.refresh()
  }

  /** Reads the weights off the network again, after adapters came or went. */
  refresh(): void {
    this.written?.dispose()
    this.written = undefined
    const { head } = this.parts.family
    const trains = ({ name, layer }: NetworkWeight) => !this.lora || name.includes('.lora_') || layer.name === head || layer.name.startsWith(`${head}.`)
    this.all = networkWeights(this.network).map((weight) => ({ ...weight, trainable: weight.trainable && trains(weight) }))
    this.names = new Map(this.all.map(({ variable, name }) => [variable, name]))
    const groups = new Set(this.groups().map(({ name }) => name))
    this.frozenGroups = new Set([...this.frozenGroups].filter((name) => groups.has(name)))
  }

  /** Writes texts, for models that do. */
  get writer(): Writer | undefined {
    this.assertAlive()
    return this.decoder && (this.written ??= new Writer(this))
  }

  forward(inputs: TensorMap, o: ForwardContext): tf.Tensor { return this.run(this.network, inputs, o) }

  features(inputs: TensorMap, o: ForwardContext = { training: false }): tf.Tensor { return this.run(this.backbone, inputs, o) }

  get loss(): 'ranking' | undefined { return this.parts.family.loss }

  get headIsNew(): boolean { return this.parts.headIsNew ?? false }

  get hasHead(): boolean { return this.headOnly !== undefined }

  head(features: tf.Tensor, o: ForwardContext): tf.Tensor {
    if (!this.headOnly) throw new ModelError(`Cannot run the head of ${this.family} alone: it has none, or one that also looks at the inputs. Use model.forward.`)
    return this.run(this.headOnly, { [this.headOnly.inputNames[0]!]: features }, o)
  }

  groups(): LayerGroup[] {
    const groups = new Map<string, tf.Variable[]>()
    for (const { layer, variable, trainable } of this.all) {
      if (!trainable) continue
      const name = this.parts.family.group(layer.name)
      groups.set(name, [...groups.get(name) ?? [], variable])
    }
    return [...groups].map(([name, variables]) => ({ name, variables })).sort((a, b) => fromInputEnd(a.name) - fromInputEnd(b.name))
  }

  freeze(what: Freeze): void {
    this.assertAlive()
    const names = this.groups().map(({ name }) => name), wanted = frozenNames(what, names, this.family)
    this.frozenGroups = new Set(wanted)
    for (const layer of this.network.layers) if (layer instanceof BatchNorm) layer.frozen = this.lora !== undefined || this.frozenGroups.has(this.parts.family.group(layer.name))
  }

  get frozen(): readonly string[] { return [...this.frozenGroups] }

  get trainable(): tf.Variable[] { return this.groups().filter(({ name }) => !this.frozenGroups.has(name)).flatMap(({ variables }) => variables) }

  get state(): tf.Variable[] { return this.network.layers.flatMap((layer) => layer instanceof BatchNorm && layer.movesAverages ? layer.averages : []) }

  get batchNormStatistics(): 'frozen' | 'updating' { return this.parts.statistics.updating ? 'updating' : 'frozen' }
  set batchNormStatistics(value: 'frozen' | 'updating') {
    if (value !== 'frozen' && value !== 'updating') throw new ModelError(`Cannot set batchNormStatistics to ${JSON.stringify(value)}: it is 'frozen' or 'updating'.`)
    this.parts.statistics.updating = value === 'updating'
  }

  weights(): Record<string, tf.Variable> { return Object.fromEntries(this.all.map(({ name, variable }) => [name, variable])) }

  setWeights(values: Record<string, tf.Tensor>): void {
    this.assertAlive()
    const weights = this.weights()
    for (const [name, value] of Object.entries(values)) {
      const variable = weights[name]
      if (!variable) throw new ModelError(`Cannot set weight "${name}": ${this.family} has no weight of that name. See Object.keys(model.weights()).`)
      if (variable.shape.join() !== value.shape.join()) throw new ModelError(`Cannot set weight "${name}": its shape is [${variable.shape.join(', ')}] and the value has [${value.shape.join(', ')}].`)
    }
    // A variable would share the tensor's memory; the copy keeps later changes of one out of the other.
    for (const [name, value] of Object.entries(values)) if (value !== weights[name]) tf.tidy(() => weights[name]!.assign(value.clone()))
  }

  nameOf(variable: tf.Variable): string {
    return this.names.get(variable) ?? (() => { throw new ModelError(`Cannot name variable ${variable.name}: it is not a weight of this model.`) })()
  }

  /** How Python's transformers knows this model. */
  get published(): Published | undefined { return this.parts.family.published?.(this.parts.config, { outputs: this.task === 'speech' ? this.network.outputs[0]!.shape.at(-1)! : this.classes.length, task: this.task }) }

  summary(o: SummaryOptions = {}): ModelSummary { return summarize(this, o) }

  save(folder: string, extra: SaveExtra = {}): Promise<void> {
    this.assertAlive()
    return saveModel(this, folder, extra)
  }

  dispose(): void {
    if (this.disposed) return
    this.disposed = true
    this.written?.dispose()
    for (const { variable } of this.all) variable.dispose()
  }

  /** What a notebook shows for a model as the last expression. */
  [Symbol.for('Jupyter.display')](): Record<string, unknown> { return { 'text/plain': String(this.summary()) } }

  private run(network: tf.LayersModel, inputs: TensorMap, context: ForwardContext): tf.Tensor {
    this.assertAlive()
    // Symbolic tensors get a number when a name was taken before; their layers keep the name.
    const names = network.inputNames
    const values = network.inputs.map((input, i) => {
      const name = names[i]!, value = inputs[name]
      if (!value) throw new ModelError(`Cannot run ${this.family}: its input "${name}" is missing. It takes ${names.join(', ')} and got ${Object.keys(inputs).join(', ') || 'nothing'}.`)
      const fits = value.rank === input.rank && input.shape.every((size, axis) => size === null || size === value.shape[axis])
      if (!fits) throw new ModelError(`Cannot run ${this.family}: input "${name}" has shape [${value.shape.join(', ')}] and must have [${input.shape.map((size) => size ?? 'any').join(', ')}]. Prepare it with model.preprocessing.`)
      return value
    })
    // TensorFlow.js frees what a layer no longer needs unless it is told that it trains; a gradient still needs it.
    const keep = context.training || (tf.engine() as unknown as { state: { gradientDepth: number } }).state.gradientDepth > 0
    return [network.call(values, { training: keep, context })].flat()[0]!
  }

  private assertAlive(): void {
    if (this.disposed) throw new ModelError(`Cannot use ${this.family} from ${this.source}: it was disposed. Load it again.`)
  }
}
