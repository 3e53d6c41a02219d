// npm's packages and the TypeScript build. Skipped in milliseconds when nothing changed.
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprint, once, root, run, step, SetupError } from './step.mjs'

const inRoot = (...path) => join(root, ...path)
const read = (path) => existsSync(path) ? readFileSync(path) : ''

/** npm's answer to "where does it go wrong", turned into what to do. */
function cure(tail) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|network/i.test(tail)) return 'The package registry does not answer: check the network or the proxy (`npm config get registry`), then run the same command again.'
  if (/ENOSPC/.test(tail)) return 'The disk is full: free some space, then run the same command again.'
  if (/EACCES|EPERM/.test(tail)) return `Something here belongs to another user: run \`sudo chown -R "$(id -un)" ${root}\`, then the same command again.`
  return 'npm says above why. Run the same command again once that is cured.'
}

/** The npm that called us, else the one on the PATH; never with the caller's npm_config_* surprises. */
async function npm(args, options) {
  const keep = /^npm_config_(cache|registry|userconfig|globalconfig|cafile|proxy|https_proxy|noproxy|prefer_offline|offline)$/i
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name) || keep.test(name)))
  const cli = process.env.npm_execpath
  if (cli && /npm-cli\.c?js$/.test(cli)) return run(process.execPath, [cli, ...args], { ...options, env })
  return run(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, { ...options, env })
}

/** `npm ci` from the lock file, without install scripts. The bar counts packages as they arrive in node_modules. */
export async function installPackages() {
  const wanted = () => fingerprint(read(inRoot('package.json')), read(inRoot('package-lock.json')), process.platform, process.arch, process.versions.modules)
  await once(inRoot('node_modules/.afinar-setup'), wanted, () => step('Installing npm packages, 1.1 GB unpacked', '1 minute', async (progress) => {
    const packages = Object.keys(JSON.parse(read(inRoot('package-lock.json')).toString() || '{"packages":{}}').packages).filter(Boolean)
    const tick = () => {
      const there = packages.filter((path) => existsSync(inRoot(path, 'package.json'))).length
      progress(there / packages.length, `${there} of ${packages.length} packages`)
    }
    const flags = ['--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
    // `npm ci` refuses a lock file that lacks another platform's optional package; `npm install` does not.
    let result = await npm(['ci', ...flags], { tick })
    if (result.code !== 0) result = await npm(['install', ...flags], { tick })
    if (result.code !== 0) throw new SetupError(`${result.tail}\nCannot install npm packages. ${cure(result.tail)}`)
  }))
}

/** Every source's path, size and time: enough to know whether the last build still holds. */
function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    if (!/\.ts$/.test(entry.name)) return []
    const { size, mtimeMs } = statSync(path)
    return [`${path} ${size} ${mtimeMs}`]
  })
}

/** TypeScript to dist/, type-checked. */
export async function build() {
  if (!existsSync(inRoot('node_modules/typescript/bin/tsc'))) throw new SetupError('Cannot build: the npm packages are missing. Run `npm start` or `npm test` once; both install them.')
  const wanted = () => fingerprint(read(inRoot('tsconfig.json')), read(inRoot('package-lock.json')), ...['kernel', 'lib', 'tests'].flatMap((folder) => sources(inRoot(folder))))
  await once(inRoot('dist/.afinar-build'), wanted, () => step('Building', '4 s', async () => {
    const result = await run(process.execPath, [inRoot('node_modules/typescript/bin/tsc'), '-p', inRoot('tsconfig.json')])
    if (result.code !== 0) throw new SetupError(`${result.tail}\nCannot build: the type errors above must be mended first.`)
    chmodSync(inRoot('dist/kernel/cli/index.js'), 0o755) // tsc leaves a bin without its run bit, and npx then says "Permission denied"
  }))
}
