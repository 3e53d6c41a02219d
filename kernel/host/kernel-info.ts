// What the kernel says of itself: the content of kernel_info_reply.
import { createRequire } from 'node:module'
import { PROTOCOL_VERSION } from '../wire/index.js'

const require = createRequire(import.meta.url)
// from dist/kernel/host, or from the source itself
const { version } = ['../../../package.json', '../../package.json'].flatMap((file) => {
  try { return [require(file) as { version: string }] } catch { return [] }
})[0]!
const typescript = (require('typescript/package.json') as { version: string }).version

export function kernelInfo(): Record<string, unknown> {
  return {
    status: 'ok',
    protocol_version: PROTOCOL_VERSION,
    implementation: 'afinar',
    implementation_version: version,
    banner: `afinar ${version}: TypeScript ${typescript} on Node.js ${process.version}`,
    language_info: {
      name: 'typescript', version: typescript, mimetype: 'text/typescript', file_extension: '.ts',
      pygments_lexer: 'typescript', codemirror_mode: { name: 'javascript', typescript: true }, nbconvert_exporter: 'script',
    },
    help_links: [
      { text: 'TypeScript', url: 'https://www.typescriptlang.org/docs/' },
      { text: 'TensorFlow.js', url: 'https://js.tensorflow.org/api/latest/' },
      { text: 'Danfo.js', url: 'https://danfo.jsdata.org/' },
      { text: 'Plotly', url: 'https://plotly.com/javascript/' },
    ],
    debugger: true,
    supported_features: ['debugger'],
  }
}
