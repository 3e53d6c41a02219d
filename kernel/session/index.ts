// The session's process: starts its parts, then runs what the host sends. Started by start.ts.
import { readFileSync } from 'node:fs'
import { installSession } from './api.js'
import { receiveComm } from './comms.js'
import { execute, prepare, recoverExecution } from './execute.js'
import { Object, process } from './intrinsics.js'
import type { HostMessage } from './messages.js'
import { followNativeOutput } from './native-output.js'
import { flush, recoverOutput, send } from './output.js'
import { installGlobals } from './runtime.js'
import { startStopThread, tellStopThread } from './stop.js'
import { captureStreams } from './streams.js'
import { exit, survive } from './survival.js'

captureStreams()
followNativeOutput()
survive()
installSession()
installGlobals()
startStopThread(() => { recoverOutput(); recoverExecution() })
prepare({ legacyDecorators: hasLegacyDecorators() })

process.on('message', (message: HostMessage) => {
  if (message.type === 'execute') execute(message)
  else if (message.type === 'comm') receiveComm(message)
  else if (message.type === 'shutdown') { flush(); exit(0) }
  else tellStopThread(message) // a host that has no control pipe
})
process.on('disconnect', () => exit(0))
// a cell that believes it is somebody's worker would speak to the host
Object.assign(process, { send: undefined, disconnect: undefined })
send({ type: 'ready' })

function hasLegacyDecorators(): boolean {
  try { return /"experimentalDecorators"\s*:\s*true/.test(readFileSync('tsconfig.json', 'utf8')) } catch { return false }
}
