// Who is in the cluster: TF_CONFIG as TensorFlow users write it, and what TensorFlow's server wants to know. Nothing is started here.
import { EngineError } from '../errors.js'
import { intField, lengthField, message } from '../protobuf.js'

export interface ClusterSpec {
  /** host:port of every worker, by rank; the chief, where there is one, comes first. */
  readonly addresses: readonly string[]
  /** This process's place among them. */
  readonly rank: number
}

const example = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'

/**
 * Reads the value of TF_CONFIG. Undefined where it is absent, empty, or names a single worker: then nothing is shared and no server starts.
 *
 * @throws EngineError when it is not what TensorFlow's users write, naming the field
 * @example clusterFrom('{"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 1}}') // { addresses: ['a:1', 'b:1'], rank: 1 }
 */
export function clusterFrom(config: string | undefined): ClusterSpec | undefined {
  if (!config?.trim()) return undefined
  const wrong = (rule: string): never => { throw new EngineError(`Cannot join the cluster: TF_CONFIG ${rule}. Write for example TF_CONFIG='${example}', or unset it to train alone.`) }
  let told: { cluster?: Record<string, unknown>; task?: { type?: unknown; index?: unknown } }
  try {
    told = JSON.parse(config) as typeof told
  } catch (error) {
    return wrong(`is not JSON (${(error as Error).message})`)
  }
  const { cluster, task } = told ?? {}
  if (typeof cluster !== 'object' || cluster === null) return typeof told === 'object' && told !== null && Object.keys(told).length === 0 ? undefined : wrong('has no "cluster"')
  const jobs = Object.keys(cluster).filter((job) => !['chief', 'worker', 'evaluator'].includes(job))
  if (jobs.length) wrong(`names the job ${JSON.stringify(jobs[0])}, and only "chief" and "worker" train here`)
  const list = (job: string) => Array.isArray(cluster[job]) ? cluster[job] as unknown[] : cluster[job] === undefined ? [] : wrong(`must list the addresses of "${job}"`)
  const chiefs = list('chief'), addresses = [...chiefs, ...list('worker')]
  const bad = addresses.find((address) => typeof address !== 'string' || !/^.+:\d{1,5}$/.test(address))
  if (bad !== undefined) wrong(`holds the address ${JSON.stringify(bad)}, which is not host:port`)
  if (new Set(addresses).size !== addresses.length) wrong('names an address twice')
  if (chiefs.length > 1) wrong(`names ${chiefs.length} chiefs, and there is one`)
  if (addresses.length === 0) wrong('names no worker')
  if (typeof task !== 'object' || task === null) return addresses.length === 1 ? undefined : wrong('has no "task", so this process does not know which worker it is')
  if (task.type !== 'worker' && task.type !== 'chief') wrong(`has the task type ${JSON.stringify(task.type)}, and only "chief" and "worker" train here`)
  const rank = Number(task.index) + (task.type === 'worker' ? chiefs.length : 0)
  const last = task.type === 'chief' ? chiefs.length : addresses.length
  if (!Number.isInteger(rank) || rank < 0 || rank >= last) wrong(`has the task index ${JSON.stringify(task.index)} of ${addresses.length - chiefs.length} workers${chiefs.length ? ' and a chief' : ''}`)
  return addresses.length === 1 ? undefined : { addresses: addresses as string[], rank }
}

/** TensorFlow's name of a worker. */
export const taskName = (rank: number): string => `/job:worker/replica:0/task:${rank}`

/** tensorflow/core/protobuf/tensorflow_server.proto and cluster.proto, by field number. @param session ConfigProto of this process */
export function serverDef({ addresses, rank }: ClusterSpec, session: Buffer): Buffer {
  const tasks = addresses.map((address, i) => lengthField(2, message(intField(1, i), lengthField(2, address))))
  const job = message(lengthField(1, 'worker'), ...tasks)
  const leader = lengthField(16, lengthField(1, taskName(0)))                          // ConfigProto.experimental.collective_group_leader
  return message(lengthField(1, lengthField(1, job)), lengthField(2, 'worker'), intField(3, rank), lengthField(4, message(session, leader)), lengthField(5, 'grpc'))
}
