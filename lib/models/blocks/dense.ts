// The fully connected layer of every family, on inputs of any rank, and the low-rank adapter that it can carry.
import * as tf from '@tensorflow/tfjs'
import { Block } from './layer.js'

export interface DenseConfig { name: string; units: number; /** Default true. */ bias?: boolean }

/** W + scale · B·A (Hu et al. 2021). a `[d, rank]`, b `[rank, units]`, both in TensorFlow.js's order. */
export interface Adapter { readonly a: tf.LayerVariable; readonly b: tf.LayerVariable; readonly scale: number; merged: boolean }

/** `[..., d]` → `[..., units]`: x·kernel + bias, and + scale · x·a·b while an adapter is there and not merged. */
export class Dense extends Block {
  static readonly className = 'AnyRankDense'
  private kernel!: tf.LayerVariable
  private bias: tf.LayerVariable | undefined
  private adapted: Adapter | undefined

  constructor(private readonly settings: DenseConfig) { super(settings.name) }

  override build(shape: tf.Shape): void {
    this.kernel = this.weight('kernel', [shape.at(-1)!, this.settings.units])
    if (this.settings.bias !== false) this.bias = this.weight('bias', [this.settings.units])
    this.built = true
  }

  override computeOutputShape(shape: tf.Shape): tf.Shape { return [...shape.slice(0, -1), this.settings.units] }

  get adapter(): Adapter | undefined { return this.adapted }

  /** Adds an adapter of zeros, which changes nothing until its weights do. */
  adapt(rank: number, scale: number): void {
    this.adapted = { a: this.weight('lora_A', [this.kernel.shape[0]!, rank]), b: this.weight('lora_B', [rank, this.settings.units]), scale, merged: false }
  }

  /** Adds the adapter's product to the kernel, or takes it out again. */
  merge(merged: boolean): void {
    const adapter = this.adapted
    if (!adapter || adapter.merged === merged) return
    tf.tidy(() => { this.kernel.write(this.kernel.read().add(tf.matMul(adapter.a.read() as tf.Tensor2D, adapter.b.read() as tf.Tensor2D).mul(merged ? adapter.scale : -adapter.scale))) })
    adapter.merged = merged
  }

  /** Forgets the adapter and frees its weights. */
  release(): void {
    if (!this.adapted) return
    const gone = [this.adapted.a, this.adapted.b]
    this.trainableWeights = this.trainableWeights.filter((weight) => !gone.includes(weight))
    for (const weight of gone) weight.dispose()
    // A layer refuses a second weight of the same name unless it forgets the first.
    const names = (this as unknown as { _addedWeightNames: string[] })._addedWeightNames
    for (const name of ['lora_A', 'lora_B']) names.splice(names.indexOf(name), 1)
    this.adapted = undefined
  }

  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const rows = x!.reshape([-1, x!.shape.at(-1)!]) as tf.Tensor2D, adapter = this.adapted
    let out: tf.Tensor = tf.matMul(rows, this.kernel.read() as tf.Tensor2D)
    if (adapter && !adapter.merged) out = out.add(tf.matMul(tf.matMul(rows, adapter.a.read() as tf.Tensor2D), adapter.b.read() as tf.Tensor2D).mul(adapter.scale))
    if (this.bias) out = out.add(this.bias.read())
    return out.reshape([...x!.shape.slice(0, -1), this.settings.units])
  }

  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), units: this.settings.units, bias: this.settings.bias ?? true } }
}
tf.serialization.registerClass(Dense as never)
