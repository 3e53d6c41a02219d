// Node keeps a stack of asynchronous scopes for AsyncLocalStorage. A terminated cell leaves its scopes open, and Node aborts the
// process when it notices; here its check is told to look away and the stack is cleared afterwards.
import { process } from './intrinsics.js'

interface AsyncWrap { async_hook_fields: Uint32Array; constants: { kTotals: number; kCheck: number }; clearAsyncIdStack(): void }

/** Node 20 and 22. From Node 24 on, AsyncLocalStorage works without these hooks and start.ts's flag is enough. */
const binding = ((): AsyncWrap | undefined => {
  try { return (process as unknown as { binding(name: string): AsyncWrap }).binding('async_wrap') } catch { return undefined }
})()

/** To be called before a cell runs: enabling another asynchronous hook turns the check on again. */
export function allowTermination() {
  if (!binding) return
  binding.async_hook_fields[binding.constants.kTotals] = 0
  binding.async_hook_fields[binding.constants.kCheck] = 0
}

export const clearAsyncScopes = () => binding?.clearAsyncIdStack()
