// The transformer's encoder block in its two orders, norm after the sum (BERT) and norm before (ViT), and BERT's as a decoder. Layers get BERT's names.
import { activate } from './activation.js'
import { attention } from './attention.js'
import { sum } from './convolution.js'
import { Dense } from './dense.js'
import { dropout } from './dropout.js'
import { layerNorm } from './layer-norm.js'
import type { Symbolic } from './layer.js'

export interface EncoderStyle { heads: number; inner: number; activation: string; epsilon: number; dropout: number; attentionDropout: number; order: 'norm after' | 'norm before' }

export const dense = (x: Symbolic, name: string, units: number, bias = true): Symbolic => new Dense({ name, units, bias }).apply(x) as Symbolic

/** `[b, n, d]` → projected, attended (to itself unless `to` is given), projected back. Layers `{name}.self.query`, `.key`, `.value` and `{name}.output.dense`. */
function attended(x: Symbolic, name: string, style: EncoderStyle, biases: Symbolic[], to = x): Symbolic {
  const width = x.shape.at(-1)!
  const [q, k, v] = ['query', 'key', 'value'].map((part) => dense(part === 'query' ? x : to, `${name}.self.${part}`, width)) as [Symbolic, Symbolic, Symbolic]
  const y = attention(`${name}.self.attention`, { q, k, v, biases }, { heads: style.heads, dropout: style.attentionDropout })
  return dropout(dense(y, `${name}.output.dense`, width), `${name}.output.dropout`, style.dropout)
}

function feedForward(x: Symbolic, name: string, style: EncoderStyle): Symbolic {
  const inner = activate(dense(x, `${name}.intermediate.dense`, style.inner), `${name}.intermediate.activation`, style.activation)
  return dropout(dense(inner, `${name}.output.dense`, x.shape.at(-1)!), `${name}.output.dropout`, style.dropout)
}

//  norm after:   x ─► attention ─►(+ x)─► norm ─► feed forward ─►(+)─► norm ─►
//  norm before:  x ─► norm ─► attention ─►(+ x)─► norm ─► feed forward ─►(+)─►
export function encoderBlock(x: Symbolic, name: string, style: EncoderStyle, biases: Symbolic[] = []): Symbolic {
  const attentionNorm = (y: Symbolic) => layerNorm(y, `${name}.attention.output.LayerNorm`, style.epsilon)
  const outputNorm = (y: Symbolic) => layerNorm(y, `${name}.output.LayerNorm`, style.epsilon)
  if (style.order === 'norm after') {
    const y = attentionNorm(sum(x, attended(x, `${name}.attention`, style, biases), `${name}.attention.sum`))
    return outputNorm(sum(y, feedForward(y, name, style), `${name}.sum`))
  }
  const y = sum(x, attended(attentionNorm(x), `${name}.attention`, style, biases), `${name}.attention.sum`)
  return sum(y, feedForward(outputNorm(y), name, style), `${name}.sum`)
}

/** BERT's block as a decoder's: x `[b, m, d]` sees what `before` lets it, then the encoder's `source` `[b, n, d]` where `unpadded` lets it. */
export function decoderBlock(x: Symbolic, source: Symbolic, name: string, style: EncoderStyle, { before, unpadded }: { before: Symbolic; unpadded: Symbolic }): Symbolic {
  const norm = (y: Symbolic, part: string) => layerNorm(y, `${name}.${part}output.LayerNorm`, style.epsilon)
  let y = norm(sum(x, attended(x, `${name}.attention`, style, [before]), `${name}.attention.sum`), 'attention.')
  y = norm(sum(y, attended(y, `${name}.crossattention`, style, [unpadded], source), `${name}.crossattention.sum`), 'crossattention.')
  return norm(sum(y, feedForward(y, name, style), `${name}.sum`), '')
}
