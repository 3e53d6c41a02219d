// Checkpoints on disk: a folder each, written under another name and renamed when complete, verified by checksum when read.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
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

/** The record as text, with a checksum of itself in front, so that a single changed digit is noticed. */
function sealed(record: CheckpointRecord): string {
  const text = JSON.stringify(record)
  return `{"seal":"${createHash('sha256').update(text).digest('hex')}","record":${text}}`
}

/** Everything is on disk under another name before the checkpoint gets its own: it is whole, or it is not there. @returns its folder, `folder/step-0000123` */
export async function writeCheckpoint(folder: string, record: Omit<CheckpointRecord, 'sha256'>, tensors: Record<string, tf.Tensor>): Promise<string> {
  const name = `step-${String(record.progress.step).padStart(7, '0')}`, partial = join(folder, `.${name}.${process.pid}.partial`)
  try {
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true })
    await writeSafetensors(join(partial, tensorsFile), Object.entries(tensors).map(([tensor, value]) => ({ name: tensor, shape: value.shape, dtype: value.dtype === 'int32' ? 'I32' as const : 'F32' as const, data: () => value.dataSync() as Float32Array })))
    const file = await open(join(partial, recordFile), 'w')
    await file.writeFile(sealed({ ...record, sha256: await checksum(join(partial, tensorsFile)) }))
    await file.sync()
    await file.close()
    const path = await freeName(join(folder, name))
    await rename(partial, path)
    return path
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => {})
    throw new TrainError(`Cannot write a checkpoint to ${folder}: ${error instanceof Error ? error.message : String(error)}. Free some room or give another folder; training itself is not touched.`, { cause: error })
  }
}

/** A second checkpoint of the same step (the epoch has ended meanwhile) gets a number: the first stays until this one is there. */
async function freeName(path: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = number === 1 ? path : `${path}-${number}`
    if (!await stat(name).then(() => true, () => false)) return name
  }
}

function orderOf(name: string): [step: number, number: number] | undefined {
  const parts = /^step-(\d+)(?:-(\d+))?$/.exec(name)
  return parts ? [Number(parts[1]), Number(parts[2] ?? 1)] : undefined
}

/** Complete checkpoints of a folder, the newest first. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [] as string[])
  return names.flatMap((name) => { const order = orderOf(name); return order ? [{ name, order }] : [] })
    .sort(({ order: a }, { order: b }) => b[0] - a[0] || b[1] - a[1]).map(({ name }) => join(folder, name))
}

/** Leaves the newest `keep`; what was found damaged goes first. */
export async function pruneCheckpoints(folder: string, keep: number, damaged: readonly string[] = []): Promise<void> {
  for (const path of damaged) await rm(path, { recursive: true, force: true })
  for (const path of (await listCheckpoints(folder)).slice(keep)) await rm(path, { recursive: true, force: true })
}

/** Removes what a process that was killed while writing left behind. */
export async function sweepPartial(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [] as string[])) {
    const writer = /^\.step-.*\.(\d+)\.partial$/.exec(name)?.[1]
    if (writer !== undefined && Number(writer) !== process.pid && !alive(Number(writer))) await rm(join(folder, name), { recursive: true, force: true }).catch(() => {})
  }
}

function alive(pid: number): boolean {
  try { process.kill(pid, 0); return true } catch (error) { return (error as NodeJS.ErrnoException).code === 'EPERM' }
}

export interface ReadCheckpoint { path: string; record: CheckpointRecord; /** The caller disposes them. */ tensors: Record<string, tf.Tensor> }

async function readRecord(path: string): Promise<CheckpointRecord> {
  const text = await readFile(join(path, recordFile), 'utf8'), { seal } = JSON.parse(text) as { seal?: string }
  const record = text.slice(text.indexOf(',"record":') + ',"record":'.length, -1)
  if (createHash('sha256').update(record).digest('hex') !== seal) throw new Error('its record is not the one that was written (checksum)')
  return JSON.parse(record) as CheckpointRecord
}

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
  if (record.format !== 2) throw new Error(`its format is ${String(record.format)}, and this version reads 2`)
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
export async function readCheckpoint(path: string, onDamage: (text: string, path: string) => void): Promise<ReadCheckpoint> {
  const inside = await listCheckpoints(path), candidates = inside.length > 0 ? inside : [path]
  if (inside.length === 0 && !existsSync(join(path, recordFile))) throw new TrainError(`Cannot resume from ${path}: ${existsSync(path) ? 'it holds no checkpoint' : 'there is no such folder'}. Give a folder that fineTune wrote with { checkpoints: folder }, or start without resume.`)
  const damage: string[] = []
  for (const candidate of candidates) {
    try { return await read(candidate) } catch (error) {
      damage.push(`${candidate}: ${error instanceof Error ? error.message : String(error)}`)
      if (candidates.length > 1) onDamage(`The checkpoint ${candidate} is damaged (${error instanceof Error ? error.message : String(error)}); the one before it is used.`, candidate)
    }
  }
  throw new TrainError(`Cannot resume from ${path}: ${damage.join('; ')}. Give a folder that fineTune wrote with { checkpoints: folder }.`)
}
