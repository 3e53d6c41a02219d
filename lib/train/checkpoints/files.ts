// Checkpoints on disk: a folder each, written under another name and renamed when complete, verified by checksum when read.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import * as tf from '@tensorflow/tfjs'
import { openSafetensors, writeSafetensors } from '../../models/index.js'
import { TrainError } from '../errors.js'
import type { CheckpointRecord } from './progress.js'

const tensorsFile = 'tensors.safetensors', recordFile = 'run.json'

async function checksum(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** @returns the checkpoint's folder, `folder/step-000123` */
export async function writeCheckpoint(folder: string, record: Omit<CheckpointRecord, 'sha256'>, tensors: Record<string, tf.Tensor>): Promise<string> {
  const name = `step-${String(record.progress.step).padStart(7, '0')}`, path = join(folder, name), partial = join(folder, `.${name}.${process.pid}.partial`)
  try {
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true })
    await writeSafetensors(join(partial, tensorsFile), Object.entries(tensors).map(([tensor, value]) => ({ name: tensor, shape: value.shape, dtype: value.dtype === 'int32' ? 'I32' as const : 'F32' as const, data: () => value.dataSync() as Float32Array })))
    const file = await open(join(partial, recordFile), 'w')
    await file.writeFile(JSON.stringify({ ...record, sha256: await checksum(join(partial, tensorsFile)) }))
    await file.sync()
    await file.close()
    await rm(path, { recursive: true, force: true })
    await rename(partial, path)
    return path
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {})
    throw new TrainError(`Cannot write a checkpoint to ${folder}: ${error instanceof Error ? error.message : String(error)}. Free some room or give another folder; training itself is not touched.`, { cause: error })
  }
}

const stepOf = (name: string) => Number(/^step-(\d+)$/.exec(name)?.[1] ?? NaN)

/** Complete checkpoints of a folder, the newest first. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[])
  return names.filter((name) => !Number.isNaN(stepOf(name))).sort((a, b) => stepOf(b) - stepOf(a)).map((name) => join(folder, name))
}

/** Leaves the newest `keep`. */
export async function pruneCheckpoints(folder: string, keep: number): Promise<void> {
  for (const path of (await listCheckpoints(folder)).slice(keep)) await rm(path, { recursive: true, force: true })
}

export interface ReadCheckpoint { path: string; record: CheckpointRecord; /** The caller disposes them. */ tensors: Record<string, tf.Tensor> }

const readRecord = async (path: string) => JSON.parse(await readFile(join(path, recordFile), 'utf8')) as CheckpointRecord

/** What the newest readable checkpoint says of how its run began; undefined when there is none. */
export async function peekCheckpoint(path: string): Promise<CheckpointRecord['identity'] | undefined> {
  const inside = await listCheckpoints(path)
  for (const candidate of inside.length > 0 ? inside : [path]) {
    const record = await readRecord(candidate).catch(() => undefined)
    if (record?.identity) return record.identity
  }
  return undefined
}

async function read(path: string): Promise<ReadCheckpoint> {
  const record = await readRecord(path)
  if (record.format !== 1) throw new Error(`its format is ${String(record.format)}, and this version reads 1`)
  if (await checksum(join(path, tensorsFile)) !== record.sha256) throw new Error('its tensors are not those that were written (checksum)')
  const file = await openSafetensors(join(path, tensorsFile)), tensors: Record<string, tf.Tensor> = {}
  try {
    for (const [name, { shape, dtype }] of file.entries) tensors[name] = tf.tensor(await file.read(name), [...shape], dtype === 'I32' ? 'int32' : 'float32')
  } finally { await file.close() }
  return { path, record, tensors }
}

/**
 * The newest checkpoint that is whole; damaged ones are skipped and named.
 * @param path a checkpoint, or the folder that holds them
 * @throws TrainError when none can be read
 */
export async function readCheckpoint(path: string, onDamage: (text: string) => void): Promise<ReadCheckpoint> {
  const inside = await listCheckpoints(path), candidates = inside.length > 0 ? inside : [path]
  const damage: string[] = []
  for (const candidate of candidates) {
    try { return await read(candidate) } catch (error) {
      damage.push(`${candidate}: ${error instanceof Error ? error.message : String(error)}`)
      if (candidates.length > 1) onDamage(`The checkpoint ${candidate} is damaged (${error instanceof Error ? error.message : String(error)}); the one before it is used.`)
    }
  }
  throw new TrainError(`Cannot resume from ${path}: ${damage.join('; ')}. Give a folder that fineTune wrote with { checkpoints: folder }.`)
}
