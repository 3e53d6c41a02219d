// Tables of vectors: for token ids, and for positions.
import * as tf from '@tensorflow/tfjs'
import { Block, type Symbolic } from './layer.js'

class Embedding extends Block {
  static readonly className = 'TokenEmbedding'
  private table!: tf.LayerVariable
  constructor(name: string, private readonly rows: number, private readonly width: number) { super(name) }
  override build(): void {
    this.table = this.weight('embeddings', [this.rows, this.width])
    this.built = true
  }
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [...shape, this.width] }
  protected override compute([ids]: tf.Tensor[]): tf.Tensor { return tf.gather(this.table.read(), ids!.cast('int32')) }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), rows: this.rows, width: this.width } }
}
tf.serialization.registerClass(Embedding as never)

/** Adds row `offset + i` of its table to position i. */
class Positions extends Block {
  static readonly className = 'LearnedPositions'
  private table!: tf.LayerVariable
  constructor(name: string, private readonly rows: number, private readonly offset: number) { super(name) }
  override build(shape: tf.Shape): void {
    this.table = this.weight('embeddings', [this.rows, shape.at(-1)!])
    this.built = true
  }
  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const [, length, width] = x!.shape as [number, number, number]
    return x!.add(tf.slice(this.table.read(), [this.offset, 0], [length, width]))
  }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), rows: this.rows, offset: this.offset } }
}
tf.serialization.registerClass(Positions as never)

/** Adds the one row of its table to every position: the token type of models that have a single one. */
class SharedVector extends Block {
  static readonly className = 'SharedVector'
  private table!: tf.LayerVariable
  override build(shape: tf.Shape): void {
    this.table = this.weight('embeddings', [1, shape.at(-1)!])
    this.built = true
  }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.add(this.table.read()) }
}
tf.serialization.registerClass(SharedVector as never)

export const sharedVector = (x: Symbolic, name: string): Symbolic => new SharedVector(name).apply(x) as Symbolic

/** int32 `[b, n]` → `[b, n, width]` */
export const embedding = (ids: Symbolic, name: string, rows: number, width: number): Symbolic => new Embedding(name, rows, width).apply(ids) as Symbolic

/** `[b, n, d]` → the same with learned positions added. RoBERTa begins at row `offset` 2. */
export const learnedPositions = (x: Symbolic, name: string, rows: number, offset = 0): Symbolic => new Positions(name, rows, offset).apply(x) as Symbolic
