// Opens weights of any readable format, one file or several shards, by their contents' first bytes and their name.
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { ModelError } from '../errors.js'
import { openKeras } from './keras.js'
import { openPyTorch } from './pytorch.js'
import { openSafetensors } from './safetensors.js'
import { openTensorBundle } from './tensor-bundle.js'
import { openTensorFlowJS } from './tensorflow-js.js'
import type { WeightFile } from './weights.js'

async function isPyTorch(path: string): Promise<boolean> {
  const file = await open(path, 'r').catch(() => undefined)
  if (!file) return false
  const head = Buffer.alloc(4)
  await file.read(head, 0, 4, 0).finally(() => file.close())
  return (head[0] === 0x50 && head[1] === 0x4b && head[2] === 3) || (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5 && /\.(pth|pt|bin|ckpt)$/i.test(path))
}

async function openFile(path: string): Promise<WeightFile> {
  if (/\.(keras|h5|hdf5)$/i.test(path)) return openKeras(path)
  if (/\.json$/i.test(path)) return openTensorFlowJS(path)
  if (/\.index$/i.test(basename(path))) return openTensorBundle(path)
  return await isPyTorch(path) || !/\.safetensors$/i.test(path) ? openPyTorch(path) : openSafetensors(path)
}

export async function openWeights(paths: readonly string[]): Promise<WeightFile> {
  const files: WeightFile[] = []
  const close = async () => { for (const file of files) await file.close() }
  try {
    for (const path of paths) files.push(await openFile(path))
    if (files.length === 1) return files[0]!
    const owner = new Map<string, WeightFile>()
    for (const file of files) for (const name of file.entries.keys()) {
      if (owner.has(name)) throw new ModelError(`Cannot read ${file.path}: its tensor "${name}" is also in ${owner.get(name)!.path}. Fetch the shards again.`)
      owner.set(name, file)
    }
    return {
      path: paths[0]!, metadata: files[0]!.metadata,
      entries: new Map(files.flatMap((file) => [...file.entries])),
      read: async (name, scratch) => {
        const file = owner.get(name)
        if (!file) throw new ModelError(`Cannot read tensor "${name}": none of the ${files.length} shards beside ${paths[0]} has it.`)
        return file.read(name, scratch)
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
