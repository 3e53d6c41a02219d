// Connectionist temporal classification (Graves et al. 2006) by TensorFlow's own op, as a kernel of TensorFlow.js with its gradient:
// the op's second output. How a recording differentiates it is rewrites.ts.
import * as tf from '@tensorflow/tfjs'
import { type Attribute, AttributeKind } from './attributes.js'
import type { Backend } from './backend.js'
import { DType } from './dtypes.js'
import { EngineError } from './errors.js'

const type = (name: string, value: number): Attribute => ({ name, type: AttributeKind.type, value })
const bool = (name: string, value: boolean): Attribute => ({ name, type: AttributeKind.bool, value })

/** The op wants the known symbols only, as (row, place) and value: how many there are is known when it runs. */
export function registerCTC(): void {
  tf.registerKernel({
    kernelName: 'CTCLoss', backendName: 'tensorflow',
    kernelFunc({ inputs, backend }) {
      const on = backend as Backend, { runtime } = on
      const [logits, targets, known, frames] = on.getInputTensorIds(['logits', 'targets', 'known', 'frames'].map((name) => (inputs as Record<string, tf.TensorInfo>)[name]!)) as [number, number, number, number]
      const [places] = runtime.execute('Where', [type('T', DType.bool)], [known], 1)
      const [symbols] = runtime.execute('GatherNd', [type('Tparams', DType.int32), type('Tindices', DType.int64)], [targets, places!.id], 1)
      const outputs = runtime.execute('CTCLoss', [bool('preprocess_collapse_repeated', false), bool('ctc_merge_repeated', true), bool('ignore_longer_outputs_than_inputs', true), type('T', DType.float32)], [logits, places!.id, symbols!.id, frames], 2)
      for (const { id } of [places!, symbols!]) runtime.delete(id)
      return outputs.map((output) => on.createOutputTensor(output))
    },
  })
  tf.registerGradient({
    kernelName: 'CTCLoss', inputsToSave: [], outputsToSave: [false, true],
    gradFunc: ((dys: tf.Tensor[], [slope]: tf.Tensor[]) => ({ logits: () => tf.mul(slope!, tf.reshape(dys[0]!, [1, -1, 1])) })) as never,
  })
}

/**
 * Negative log-likelihood of each row's symbols, whatever their places in time; of a row whose symbols do not fit into its frames 0.
 *
 * @param logits float32 `[frames, batch, symbols]`; a softmax over the symbols is part of the op, so log-probabilities may be given as well
 * @param targets int32 `[batch, longest]`, without the blank
 * @param known bool `[batch, longest]`: which targets count; at least one in each row
 * @param frames int32 `[batch]`
 * @param blank the symbol for nothing, default 0
 * @returns float32 `[batch]`
 * @example
 * ctcLosses(logits, tf.tensor2d([[3, 1], [2, 0]], [2, 2], 'int32'), tf.tensor2d([[1, 1], [1, 0]], [2, 2], 'bool'), tf.tensor1d([50, 41], 'int32'))
 */
export function ctcLosses(logits: tf.Tensor3D, targets: tf.Tensor2D, known: tf.Tensor2D, frames: tf.Tensor1D, blank = 0): tf.Tensor1D {
  if (!tf.getKernel('CTCLoss', tf.getBackend())) throw new EngineError('Cannot compute the loss of transcripts: the engine is not started. Call startEngine first.')
  return tf.tidy(() => {
    const [time, batch, symbols] = logits.shape
    const of = (from: number, to: number) => tf.slice(logits, [0, 0, from], [time, batch, to - from])
    // TensorFlow's blank is the last symbol.
    const rolled = blank === symbols - 1 ? logits : tf.concat([...(blank ? [of(0, blank)] : []), of(blank + 1, symbols), of(blank, blank + 1)], 2)
    const moved = tf.sub(targets, tf.cast(tf.greater(targets, tf.scalar(blank, 'int32')), 'int32'))
    const [losses] = tf.engine().runKernel('CTCLoss', { logits: rolled, targets: moved, known, frames } as never) as tf.Tensor[]
    return losses as tf.Tensor1D
  })
}
