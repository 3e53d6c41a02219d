// The two blocks of ResNet (He et al. 2016), with torchvision's names and its stride in the 3×3 convolution.
import { activation, convolution, sum, type ConvolutionStyle, type Symbolic } from './convolution.js'

export interface Residual { name: string; filters: number; stride: number; /** 'bottleneck' ends in 4 × filters channels. */ kind: 'basic' | 'bottleneck' }

//  basic:       x ──► 3×3 ─► norm, relu ──► 3×3 ─► norm ──►(+)─► relu ──►
//  bottleneck:  x ──► 1×1 ─► norm, relu ──► 3×3 ─► norm, relu ──► 1×1 ─► norm ──►(+)─► relu ──►
//               └──► (1×1 ─► norm, where the shape changes) ──────────────────────┘
export function residual(x: Symbolic, { name, filters, stride, kind }: Residual, style: ConvolutionStyle): Symbolic {
  const width = kind === 'basic' ? filters : 4 * filters
  const steps = kind === 'basic'
    ? [{ kernel: 3, stride, filters }, { kernel: 3, stride: 1, filters }]
    : [{ kernel: 1, stride: 1, filters }, { kernel: 3, stride, filters }, { kernel: 1, stride: 1, filters: width }]
  const shortcut = stride !== 1 || x.shape.at(-1) !== width
    ? convolution(x, { name: `${name}.downsample.0`, norm: `${name}.downsample.1`, filters: width, kernel: 1, stride }, style)
    : x
  const y = steps.reduce((input, step, i) =>
    convolution(input, { ...step, name: `${name}.conv${i + 1}`, norm: `${name}.bn${i + 1}`, ...(i < steps.length - 1 && { activation: 'relu' as const }) }, style), x)
  return activation(sum(y, shortcut, `${name}.sum`), 'relu', `${name}.relu`)
}
