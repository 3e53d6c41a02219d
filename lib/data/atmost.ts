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
