// Keeps at most so many asynchronous jobs running, so that reading a hundred thousand files holds only a few in memory.

/** `run(job)` starts the job when fewer than `most` are running. */
export function atMost(most: number): <T>(job: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (job) => {
    if (running >= most) await new Promise<void>((go) => waiting.push(go))
    else running++
    try {
      return await job()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

/** Results of `job(0)` … `job(count − 1)`, `most` at a time. Unlike so many calls of `atMost`, jobs that wait take no memory. */
export async function mapAtMost<T>(count: number, most: number, job: (index: number) => Promise<T> | T): Promise<T[]> {
  const results = new Array<T>(count)
  let next = 0
  await Promise.all(Array.from({ length: Math.min(most, count) }, async () => {
    for (let index = next++; index < count; index = next++) results[index] = await job(index)
  }))
  return results
}
