// The door of `afinar launch`: several workers of one program on this machine.
import { HELP, readArguments } from './arguments.js'
import { launch } from './launch.js'

export { launch, type LaunchOptions } from './launch.js'

/** Runs `afinar launch …`. Resolves to the exit code. Throws `Cannot launch …` for arguments that make no sense. */
export async function launchCommand(words: string[]): Promise<number> {
  const options = readArguments(words)
  if (options === 'help') {
    process.stdout.write(HELP)
    return 0
  }
  return launch(options)
}
