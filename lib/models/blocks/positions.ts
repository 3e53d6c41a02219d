// Where a token stands: sines of its place (Vaswani et al. 2017) and T5's learned bias by distance (Raffel et al. 2020). Learned tables are in embedding.ts.
import * as tf from '@tensorflow/tfjs'
import { Block, type Steps, type Symbolic } from './layer.js'

/** Row p: sines of p · 10000^(−2i/width) in the first half, cosines in the second, as Marian has it. */
function sines(length: number, width: number): Float32Array {
  const half = Math.ceil(width / 2)
  return Float32Array.from({ length: length * width }, (_, at) => {
    const column = at % width, angle = Math.floor(at / width) / 10000 ** ((2 * (column % half)) / width)
    return column < half ? Math.sin(angle) : Math.cos(angle)
  })
}

class SinePositions extends Block implements Steps {
  static readonly className = 'SinePositions'
  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const [, length, width] = x!.shape as [number, number, number]
    return x!.add(tf.tensor(sines(length, width), [1, length, width]))
  }
  atPosition(): tf.layers.Layer { return new SineAt(`${this.name}.at`) }
}

/** [position `[b]`, places `[longest]`, x `[b, 1, d]`] → `[b, 1, d]` */
class SineAt extends Block {
  static readonly className = 'SinePositionsAt'
  override computeOutputShape(shapes: tf.Shape[]): tf.Shape { return shapes[2]! }
  protected override compute([position, places, x]: tf.Tensor[]): tf.Tensor {
    const longest = places!.shape[0]!, width = x!.shape[2]!
    return x!.add(tf.gather(tf.tensor2d(sines(longest, width), [longest, width]), position!).expandDims(1))
  }
}

export interface DistanceBuckets { buckets: number; /** From here on all distances share the last bucket. */ farthest: number; /** Whether keys may stand behind their query. */ both: boolean }

/** Bucket of a key that stands `distance` places after its query: single ones near, wider ones farther away. */
export function bucketOf(distance: number, { buckets, farthest, both }: DistanceBuckets): number {
  const count = both ? Math.floor(buckets / 2) : buckets
  const away = both ? Math.abs(distance) : Math.max(0, -distance)
  const side = both && distance > 0 ? count : 0, exact = Math.floor(count / 2)
  if (away < exact) return side + away
  // In float32, as PyTorch computes it: on the edge of a bucket float64 may fall on its other side.
  const f = Math.fround
  const share = f(f(Math.log(f(away / exact))) / f(Math.log(farthest / exact)))
  return side + Math.min(count - 1, exact + Math.trunc(f(share * (count - exact))))
}

/** x `[b, n, …]` → `[1, heads, n, n]`, which adds to scores. */
class DistanceBias extends Block implements Steps {
  static readonly className = 'DistanceBias'
  private table!: tf.LayerVariable
  constructor(name: string, private readonly heads: number, private readonly distances: DistanceBuckets) { super(name) }
  override build(): void {
    this.table = this.weight('embeddings', [this.distances.buckets, this.heads])
    this.built = true
  }
  override computeOutputShape(shape: tf.Shape): tf.Shape { return [1, this.heads, shape[1]!, shape[1]!] }
  protected override compute([x]: tf.Tensor[]): tf.Tensor {
    const n = x!.shape[1]!
    const buckets = tf.tensor1d(Int32Array.from({ length: n * n }, (_, at) => bucketOf((at % n) - Math.floor(at / n), this.distances)), 'int32')
    return tf.gather(this.table.read(), buckets).reshape([n, n, this.heads]).transpose([2, 0, 1]).expandDims(0)
  }
  /** [position `[b]`, places `[longest]`, …] → `[b, heads, 1, longest]`; places after the position get what the mask hides anyway. */
  biasAt(position: tf.Tensor, places: tf.Tensor): tf.Tensor {
    const longest = places.shape[0]!
    const byDistance = tf.tensor1d(Int32Array.from({ length: longest }, (_, back) => bucketOf(-back, this.distances)), 'int32')
    const back = tf.maximum(position.expandDims(1).sub(places.expandDims(0)), tf.scalar(0, 'int32'))
    return tf.gather(this.table.read(), tf.gather(byDistance, back)).transpose([0, 2, 1]).expandDims(2)
  }
  atPosition(): tf.layers.Layer { return new BiasAt(`${this.name}.at`, this.heads, (position, places) => this.biasAt(position, places)) }
  override getConfig(): tf.serialization.ConfigDict { return { ...super.getConfig(), heads: this.heads, ...this.distances } }
}

class BiasAt extends Block {
  static readonly className = 'DistanceBiasAt'
  constructor(name: string, private readonly heads: number, private readonly bias: (position: tf.Tensor, places: tf.Tensor) => tf.Tensor) { super(name) }
  override computeOutputShape(shapes: tf.Shape[]): tf.Shape { return [shapes[0]![0]!, this.heads, 1, null] }
  protected override compute([position, places]: tf.Tensor[]): tf.Tensor { return this.bias(position!, places!) }
}
for (const layer of [SinePositions, SineAt, DistanceBias, BiasAt]) tf.serialization.registerClass(layer as never)

/** `[b, n, d]` → the same with the sines of each place added; nothing to train. */
export const sinePositions = (x: Symbolic, name: string): Symbolic => new SinePositions(name).apply(x) as Symbolic

/** A learned bias for each head and bucket of distances between the tokens of x → `[1, heads, n, n]`. */
export const distanceBias = (x: Symbolic, name: string, heads: number, distances: DistanceBuckets): Symbolic => new DistanceBias(name, heads, distances).apply(x) as Symbolic
