// Keras files: .h5 and .weights.h5 (HDF5), and .keras (a zip archive around them). Weights by layer, and the network's own description.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import os from 'node:os'
import { join } from 'node:path'
import { ModelError } from '../errors.js'
import { HDF5File, type HDF5Contents } from './hdf5.js'
import { bytesOf, decode, elements, type StoredType, type WeightEntry, type WeightFile } from './weights.js'
import { unpackZip } from './zip.js'

/** Python's struct codes. */
const types: Record<string, StoredType> = { f: 'F32', d: 'F64', i: 'I32', h: 'I16', b: 'I8', B: 'U8', q: 'I64' }
interface Found extends WeightEntry { dataset: string }

function refuse(path: string, why: string): never {
  throw new ModelError(`Cannot read ${path} as a Keras file: ${why}. The file is truncated, damaged or not Keras'; fetch it again.`)
}
const said = (error: unknown) => (error as Error).message

/** 'layers/conv2d/vars/0' → 'first/0'; 'first/first/kernel:0' → 'first/kernel'; what is neither keeps its path. */
function named(path: string, { datasets, texts }: HDF5Contents, bytes: number): Map<string, Found> {
  const out = new Map<string, Found>()
  for (const { path: dataset, shape, dtype } of datasets) {
    const type = types[dtype.replace(/^[<>|=]/, '')]
    if (!type) continue
    // Deflate makes at most 1,032 bytes of one.
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || !(elements(shape) * bytesOf[type] <= 1040 * bytes)) refuse(path, `"${dataset}" claims the shape [${shape.join(', ')}], more than the file's ${bytes} bytes can hold`)
    const where = dataset.replace(/^model_weights\//, '')
    const [, group, number] = /^(.*\/vars)\/(\d+)$/.exec(dataset) ?? [], layer = group === undefined ? undefined : texts[group]?.['name']
    const plain = where.replace(/:0$/, ''), [first, ...rest] = plain.split('/')
    const short = layer !== undefined ? `${layer}/${number}` : rest.length > 1 && rest[0] === first ? rest.join('/') : plain
    out.set(out.has(short) ? where : short, { dtype: type, shape, dataset })
  }
  return out
}

function parseTopology(path: string, text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch (error) {
    return refuse(path, `its configuration is not JSON (${said(error)})`)
  }
}

async function openHDF5(path: string, topology?: unknown): Promise<WeightFile> {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) throw new ModelError(`Cannot open ${path}: there is no such file. Check the path.`)
  const { file, contents } = await HDF5File.open(path).catch((error: unknown) => refuse(path, said(error)))
  try {
    const entries = named(path, contents, found.size), told = topology ?? parseTopology(path, contents.texts['']?.['model_config'])
    return {
      path, entries, metadata: {}, layout: 'tensorflow', ...(told !== undefined && { topology: told }),
      async read(name) {
        const entry = entries.get(name)
        if (!entry) throw new ModelError(`Cannot read tensor "${name}" from ${path}: the file has no tensor of that name.`)
        const values = await file.read(entry.dataset).catch((error: unknown) => refuse(path, `"${name}" cannot be read (${said(error)})`))
        const n = (values as unknown as ArrayLike<number>).length
        if (n !== elements(entry.shape)) refuse(path, `"${name}" has ${n} numbers and its shape asks for ${elements(entry.shape)}`)
        if (values.byteLength !== n * bytesOf[entry.dtype]) return refuse(path, `"${name}" has numbers of another type than it says`)
        return decode(new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength), entry.dtype, `tensor "${name}" of ${path}`)
      },
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Unpacks what is needed among the system's temporary files, for as long as the file is open. */
async function openArchive(path: string): Promise<WeightFile> {
  const bytes = (await stat(path).catch(() => undefined))?.size
  if (bytes === undefined) throw new ModelError(`Cannot open ${path}: there is no such file. Check the path.`)
  const folder = await mkdtemp(join(os.tmpdir(), 'afinar-keras-'))
  const forget = () => rm(folder, { recursive: true, force: true })
  try {
    const names = await unpackZip(path, folder, (name) => /^(config\.json|model\.weights\.h5)$/.test(name), bytes)
    if (!names.includes('model.weights.h5')) refuse(path, 'there is no model.weights.h5 in it')
    const config = names.includes('config.json') ? parseTopology(path, await readFile(join(folder, 'config.json'), 'utf8')) : undefined
    const weights = await openHDF5(join(folder, 'model.weights.h5'), config)
    return { ...weights, path, close: async () => { await weights.close(); await forget() } }
  } catch (error) {
    await forget()
    throw error
  }
}

/** Opens a .keras, .h5 or .weights.h5 file. Weights are named 'layer/weight' or, as Keras 3 keeps them, 'layer/number'. */
export const openKeras = (path: string): Promise<WeightFile> => /\.keras$/i.test(path) ? openArchive(path) : openHDF5(path)
