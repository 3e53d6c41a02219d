// Tables of vectors: for token ids, and for positions.
import * as tf from '@tensorflow/tfjs'
import { execute } from '../../engine/index.js'
import { Block, type Steps, type Symbolic } from './layer.js'

class Embedding extends Block {
  static readonly className = 'TokenEmbedding'
  private table!: tf.LayerVariable
  constructor(name: string, private readonly rows: number, private readonly width: number, private readonly still?: number) { super(name) }
  override build(): void {
    this.table = this.weight('embeddings', [this.rows, this.width])
    this.built = true
  }
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [...shape, this.width] }
  protected override compute([ids]: tf.Tensor[]): tf.Tensor {
    const found = tf.gather(this.table.read(), ids!.cast('int32'))
    if (this.still === undefined) return found
    const learns = tf.notEqual(ids!, tf.scalar(this.still, 'int32')).cast('float32').expandDims(-1)
    return found.mul(learns).add(execute('StopGradient', { T: 'float32' }, [found], 1)[0]!.mul(tf.sub(1, learns)))
  }
  /** The whole table `[rows, width]`, for an output layer that is tied to it. */
  read(): tf.Tensor2D { return this.table.read() as tf.Tensor2D }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), rows: this.rows, width: this.width } }
}
tf.serialization.registerClass(Embedding as never)

/** Scores of all words by the very table that their vectors come from (Press and Wolf 2017). `[b, n, d]` → `[b, n, rows]`. */
class TiedProjection extends Block {
  static readonly className = 'TiedProjection'
  constructor(name: string, private readonly table: SharedTable, private readonly rows: number, private readonly scale: number) { super(name) }
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [...shape.slice(0, -1), this.rows] }
  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const width = x!.shape.at(-1)!
    const scores = tf.matMul((this.scale === 1 ? x! : x!.mul(this.scale)).reshape([-1, width]) as tf.Tensor2D, this.table.read(), false, true)
    return scores.reshape([...x!.shape.slice(0, -1), this.rows])
  }
}
tf.serialization.registerClass(TiedProjection as never)

/** Adds a vector to every position; `trained` false keeps it as the checkpoint has it. Weight `{name}.{leaf}` of shape `[1, width]` or `[width]`. */
class AddedVector extends Block {
  static readonly className = 'AddedVector'
  private vector!: tf.LayerVariable
  constructor(name: string, private readonly leaf: string, private readonly row: boolean, private readonly trained: boolean) { super(name) }
  override build(shape: tf.Shape): void {
    this.vector = this.addWeight(this.leaf, this.row ? [1, shape.at(-1)!] : [shape.at(-1)!], 'float32', tf.initializers.zeros(), undefined, this.trained)
    this.built = true
  }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.add(this.vector.read()) }
}
tf.serialization.registerClass(AddedVector as never)

/** x · factor */
class Scaled extends Block {
  static readonly className = 'Scaled'
  constructor(name: string, private readonly factor: number) { super(name) }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.mul(this.factor) }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), factor: this.factor } }
}
tf.serialization.registerClass(Scaled as never)

/** Adds row `offset + i` of its table to position i. */
class Positions extends Block implements Steps {
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
  at(position: tf.Tensor, x: tf.Tensor): tf.Tensor { return x.add(tf.gather(this.table.read(), position.add(tf.scalar(this.offset, 'int32'))).expandDims(1)) }
  atPosition(): tf.layers.Layer { return new PositionAt(`${this.name}.at`, (position, x) => this.at(position, x)) }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), rows: this.rows, offset: this.offset } }
}
tf.serialization.registerClass(Positions as never)

/** [position `[b]`, places, x `[b, 1, d]`] → `[b, 1, d]` */
class PositionAt extends Block {
  static readonly className = 'LearnedPositionsAt'
  constructor(name: string, private readonly add: (position: tf.Tensor, x: tf.Tensor) => tf.Tensor) { super(name) }
  override computeOutputShape(shapes: tf.Shape[]): tf.Shape { return shapes[2]! }
  protected override compute([position, , x]: tf.Tensor[]): tf.Tensor { return this.add(position!, x!) }
}
tf.serialization.registerClass(PositionAt as never)

/** Adds the first row of its table to every position: the token type of models that see a single one. */
class SharedVector extends Block {
  static readonly className = 'SharedVector'
  private table!: tf.LayerVariable
  constructor(name: string, private readonly rows: number) { super(name) }
  override build(shape: tf.Shape): void {
    this.table = this.weight('embeddings', [this.rows, shape.at(-1)!])
    this.built = true
  }
  protected override compute([x]: tf.Tensor[]): tf.Tensor { return x!.add(this.rows === 1 ? this.table.read() : tf.slice(this.table.read(), [0, 0], [1, -1])) }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), rows: this.rows } }
}
tf.serialization.registerClass(SharedVector as never)

export const sharedVector = (x: Symbolic, name: string, rows = 1): Symbolic => new SharedVector(name, rows).apply(x) as Symbolic

/** A table of vectors that several places of a network use: for the ids of both sides, and for the scores of words. */
export class SharedTable {
  private readonly layer: Embedding
  /** @param still the id whose vector learns nothing where it is looked up (PyTorch's padding_idx) */
  constructor(name: string, private readonly rows: number, width: number, still?: number) { this.layer = new Embedding(name, rows, width, still) }
  read(): tf.Tensor2D { return this.layer.read() }
  /** int32 `[b, n]` → `[b, n, width]` */
  look(ids: Symbolic): Symbolic { return this.layer.apply(ids) as Symbolic }
  /** `[b, n, width]` → `[b, n, rows]`, x · scale against every row. */
  score(x: Symbolic, name: string, scale = 1): Symbolic { return new TiedProjection(name, this, this.rows, scale).apply(x) as Symbolic }
}

export const scaled = (x: Symbolic, name: string, factor: number): Symbolic => factor === 1 ? x : new Scaled(name, factor).apply(x) as Symbolic
export const addedVector = (x: Symbolic, name: string, o: { leaf: string; row?: boolean; trained?: boolean }): Symbolic => new AddedVector(name, o.leaf, o.row ?? false, o.trained ?? true).apply(x) as Symbolic

/** int32 `[b, n]` → `[b, n, width]` */
export const embedding = (ids: Symbolic, name: string, rows: number, width: number): Symbolic => new Embedding(name, rows, width).apply(ids) as Symbolic

/** `[b, n, d]` → the same with learned positions added. RoBERTa begins at row `offset` 2. */
export const learnedPositions = (x: Symbolic, name: string, rows: number, offset = 0): Symbolic => new Positions(name, rows, offset).apply(x) as Symbolic
