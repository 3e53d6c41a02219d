// Batch normalization over the rows of all workers, inside a recorded step. Forward: mean and variance of everybody's rows. Backward: what
// TensorFlow's gradient leaves out when mean and variance are given, the way through them.
import { DType } from '../dtypes.js'
import type { Graph, Node } from '../graph.js'
import { sumOver } from './buckets.js'
import type { Workers } from './workers.js'

export interface Normalized { x: Node; scale: Node; offset: Node; epsilon: number; /** Values of one channel on this worker; channels are the last axis. */ count: number }

interface Layer extends Normalized { mean: Node; /** 1 / √(variance + ε) */ root: Node }

export class SyncedBatchNorm {
  readonly #layers: Layer[] = []
  #key: number

  /** @param key the first key of its collectives */
  constructor(readonly workers: Workers, key: number) { this.#key = key }

  /**
   * Normalizes x by the mean and variance of all workers' values, taken together by Chan, Golub and LeVeque 1983: each worker's
   * mean travels by itself, so that nothing cancels out.
   * @returns y, mean and the biased variance
   */
  forward(graph: Graph, { x, scale, offset, epsilon, count }: Normalized): [Node, Node, Node] {
    const { workers } = this, none = graph.constant([], [0]), axis = graph.constant([0], [1], DType.int32)
    const ints = (...values: number[]) => graph.constant(values, [values.length], DType.int32)
    const [, own, unbiased] = graph.op('FusedBatchNormV3', [x, scale, offset, none, none], { epsilon, is_training: true })
    const variance = graph.op('Mul', [unbiased!, graph.constant([(count - 1) / count], [])])[0]!
    const mine = graph.constant(Array.from({ length: workers.size }, (_, rank) => Number(rank === workers.rank)), [workers.size, 1])
    const table = graph.op('ConcatV2', [[graph.op('Mul', [mine, graph.op('Reshape', [own!, ints(1, -1)])[0]!])[0]!, graph.op('Reshape', [variance, ints(1, -1)])[0]!], graph.constant([0], [], DType.int32)])[0]!
    const all = sumOver(graph, workers, table, this.#key++)                             // [workers + 1, channels]
    const means = graph.op('Slice', [all, ints(0, 0), ints(workers.size, -1)])[0]!
    const mean = graph.op('Mean', [means, axis], { keep_dims: false })[0]!
    const within = graph.op('Reshape', [graph.op('Slice', [all, ints(workers.size, 0), ints(1, -1)])[0]!, ints(-1)])[0]!
    const between = graph.op('Mean', [graph.op('SquaredDifference', [means, mean])[0]!, axis], { keep_dims: false })[0]!
    const whole = graph.op('AddV2', [graph.op('Mul', [within, graph.constant([1 / workers.size], [])])[0]!, between])[0]!
    const y = graph.op('FusedBatchNormV3', [x, scale, offset, mean, whole], { epsilon, is_training: false })[0]!
    const root = graph.op('Rsqrt', [graph.op('AddV2', [whole, graph.constant([epsilon], [])])[0]!])[0]!
    this.#layers.push({ x, scale, offset, epsilon, count, mean, root })
    return [y, mean, whole]
  }

  /**
   * After the gradients are in the graph: with G and B the sums over all workers of the gradients of scale and offset,
   * x's gradient is the given one − scale · root / N · (B + (x − mean) · root · G)  (Ioffe & Szegedy 2015, over N values of all workers).
   */
  backward(graph: Graph): void {
    if (this.#layers.length === 0) return
    const found = graph.operations('FusedBatchNormGradV3')
    for (const { x, scale, mean, root, count } of this.#layers) {
      const gradient = found.find((one) => same(graph.inputOf(one, 1), x) && same(graph.inputOf(one, 2), scale))
      if (!gradient) continue                                                           // nothing below it is trained
      const output = (index: number): Node => ({ oper: gradient, index }), direct = output(0)
      const consumers = graph.consumers(direct)
      if (consumers.length === 0) continue
      const two = graph.op('Pack', [[output(1), output(2)]], { axis: 0 })[0]!
      const [g, b] = graph.op('Unpack', [sumOver(graph, this.workers, two, this.#key++)], { num: 2, axis: 0 }) as [Node, Node]
      const factor = graph.op('Mul', [graph.op('Mul', [scale, root])[0]!, graph.constant([-1 / (count * this.workers.size)], [])])[0]!
      const slope = graph.op('Mul', [graph.op('Mul', [factor, root])[0]!, g])[0]!
      const shift = graph.op('Sub', [graph.op('Mul', [factor, b])[0]!, graph.op('Mul', [slope, mean])[0]!])[0]!
      const whole = graph.op('AddV2', [direct, graph.op('AddV2', [graph.op('Mul', [x, slope])[0]!, shift])[0]!])[0]!
      for (const consumer of consumers) graph.redirect(consumer, whole)
    }
  }
}

const same = (a: Node, b: Node) => a.oper === b.oper && a.index === b.index
