// Makes the tarball that npm would publish. npm's overrides don't reach whoever depends on us, so danfojs-node (one file, without its
// downloads) and tfjs-node-gpu (its JavaScript, without its install script) travel inside as bundled dependencies.
//   node kernel/cli/pack.mjs [FOLDER]      prints the tarball's path
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { root } from './setup/step.mjs'

const require = createRequire(import.meta.url)
const destination = resolve(process.argv[2] ?? root), stage = join(root, '.stage')
const json = (path) => JSON.parse(readFileSync(path, 'utf8'))
const put = (path, value) => { mkdirSync(join(path, '..'), { recursive: true }); writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`) }

rmSync(stage, { recursive: true, force: true })
const { devDependencies, overrides, scripts, jest, ...manifest } = json(join(root, 'package.json'))
put(join(stage, 'package.json'), { ...manifest, bundleDependencies: ['danfojs-node', '@tensorflow/tfjs-node-gpu'] })
writeFileSync(join(stage, '.npmrc'), 'ignore-scripts=true\n')
for (const path of ['LICENSE', 'README.md', 'kernel/cli/setup.mjs', 'kernel/cli/setup']) cpSync(join(root, path), join(stage, path), { recursive: true })
cpSync(join(root, 'dist'), join(stage, 'dist'), { recursive: true, filter: (path) => !/dist\/(tests|\.[^/]*)$/.test(path) })

const gpu = 'node_modules/@tensorflow/tfjs-node-gpu'
const { name, version, license } = json(join(root, gpu, 'package.json'))
cpSync(join(root, gpu, 'dist'), join(stage, gpu, 'dist'), { recursive: true, filter: (path) => !/_test\.(js|d\.ts)$|\/dist\/image_generators|\.map$/.test(path) })
put(join(stage, gpu, 'package.json'), { name, version, license })

const danfo = 'node_modules/danfojs-node'
// `export *` from CommonJS comes out empty, so its names are listed
const names = Object.keys(require('danfojs-node')).filter((key) => !['default', '__esModule'].includes(key))
await build({
  stdin: { contents: `export { ${names.join(', ')} } from 'danfojs-node'`, resolveDir: root }, outfile: join(stage, danfo, 'dist/danfojs.js'),
  bundle: true, platform: 'node', target: 'node20', format: 'esm', minify: true, keepNames: true, legalComments: 'linked', logLevel: 'error',
  banner: { js: "import { createRequire as makeRequire } from 'node:module'; import { fileURLToPath as toPath } from 'node:url'; import { dirname as folderOf } from 'node:path'; const require = makeRequire(import.meta.url), __filename = toPath(import.meta.url), __dirname = folderOf(__filename);" },
  alias: { '@tensorflow/tfjs-node': '@tensorflow/tfjs' }, external: ['@tensorflow/tfjs', '@tensorflow/tfjs-core', 'plotly.js-dist-min', 'encoding'],
})
const types = join(root, danfo, 'dist')
cpSync(types, join(stage, danfo, 'dist'), { recursive: true, filter: (path) => !/\.(js|map)$/.test(path) })
put(join(stage, danfo, 'package.json'), { name: 'danfojs-node', version: json(join(root, danfo, 'package.json')).version, license: 'MIT', type: 'module', exports: { types: './dist/danfojs-node/src/index.d.ts', default: './dist/danfojs.js' } })

mkdirSync(destination, { recursive: true })
const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm']
const { status, stdout } = spawnSync(npm[0], [...npm.slice(1), 'pack', '--json', '--pack-destination', destination], { cwd: stage, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
if (status !== 0) process.exit(status ?? 1)
const answer = JSON.parse(stdout), [{ filename }] = Array.isArray(answer) ? answer : Object.values(answer)
rmSync(stage, { recursive: true, force: true })
console.log(join(destination, filename))
