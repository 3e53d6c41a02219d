// The block of MobileNetV2 and EfficientNet-Lite, and the stack that both are: stem, blocks, top, pooled features.
import { convolution, meanOverPixels, sum, type ConvolutionStyle, type Symbolic } from './convolution.js'

/** `repeats` blocks: the first with `stride`, all to `filters` channels, `expand` times as many inside. */
export interface Stage { repeats: number; kernel: number; stride: number; expand: number; filters: number }

//  x ──► 1×1 expand ─► norm, relu6 ──► k×k depthwise ─► norm, relu6 ──► 1×1 project ─► norm ──►(+)──►
//  └──────────────────────────── where shape stays the same ────────────────────────────────────┘
export function invertedResidual(x: Symbolic, name: string, { kernel, stride, expand, filters }: Omit<Stage, 'repeats'>, style: ConvolutionStyle): Symbolic {
  const channels = x.shape.at(-1)!
  let y = x
  if (expand !== 1) y = convolution(y, { name: `${name}.expand.conv`, norm: `${name}.expand.bn`, filters: channels * expand, kernel: 1, activation: 'relu6' }, style)
  y = convolution(y, { name: `${name}.depthwise.conv`, norm: `${name}.depthwise.bn`, kernel, stride, activation: 'relu6' }, style)
  y = convolution(y, { name: `${name}.project.conv`, norm: `${name}.project.bn`, filters, kernel: 1 }, style)
  return stride === 1 && channels === filters ? sum(x, y, `${name}.sum`) : y
}

export interface MobileConfig { stem: number; stages: Stage[]; top: number }

/** `[b, h, w, 3]` → pooled features `[b, top]`. */
export function mobileBackbone(input: Symbolic, { stem, stages, top }: MobileConfig, style: ConvolutionStyle): Symbolic {
  let x = convolution(input, { name: 'stem.conv', norm: 'stem.bn', filters: stem, kernel: 3, stride: 2, activation: 'relu6' }, style)
  let block = 0
  for (const stage of stages) {
    for (let repeat = 0; repeat < stage.repeats; repeat++) {
      x = invertedResidual(x, `blocks.${block++}`, { ...stage, stride: repeat === 0 ? stage.stride : 1 }, style)
    }
  }
  x = convolution(x, { name: 'top.conv', norm: 'top.bn', filters: top, kernel: 1, activation: 'relu6' }, style)
  return meanOverPixels(x, 'pool')
}

/** 'stem', 'block 1' … 'top', 'head', from a layer's name. */
export const mobileGroup = (layer: string): string => {
  const block = /^blocks\.(\d+)\./.exec(layer)
  return block ? `block ${Number(block[1]) + 1}` : layer.startsWith('stem.') ? 'stem' : layer.startsWith('top.') ? 'top' : 'head'
}
