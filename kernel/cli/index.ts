#!/usr/bin/env node
// The `afinar` command: finds the command that was asked for, loads only that one, and turns its failures into one clear message.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from './places.js'

interface Command {
  readonly usage: string
  readonly about: string
  run(args: string[]): Promise<number>
}

const commands: Record<string, Command> = {
  lab: {
    usage: 'lab [options of jupyter lab]', about: 'open JupyterLab with the kernel ready',
    run: async (args) => (await import('./lab.js')).lab(args),
  },
  run: {
    usage: 'run NOTEBOOK [--out FILE] [--html] [-p name=value]…', about: 'execute a notebook in the terminal, with live progress',
    run: async (args) => (await import('./run/index.js')).runCommand(args),
  },
  attach: {
    usage: 'attach [KERNEL] [--once | --list]', about: 'see what a kernel does, also after its browser has gone',
    run: async (args) => (await import('./attach/index.js')).attach(args),
  },
  launch: {
    usage: 'launch [--workers N] [--isolate] SCRIPT_OR_NOTEBOOK [its arguments]', about: 'train on several workers of this machine together',
    run: async (args) => (await import('./launch/index.js')).launchCommand(args),
  },
  doctor: {
    usage: 'doctor [--json]', about: 'what is there, what is missing, and the command that mends it',
    run: async (args) => (await import('./doctor/index.js')).doctor(args),
  },
  install: {
    usage: 'install [--user | --sys-prefix | --prefix FOLDER] [--name NAME] [--env NAME=VALUE]…', about: 'make the kernel known to Jupyter',
    run: async (args) => (await import('./install.js')).install(args),
  },
  recipe: {
    usage: 'recipe [--kernelspec | --dockerfile] [--image NAME]', about: 'how Jupyter Enterprise Gateway runs the kernel on Kubernetes',
    run: async (args) => (await import('./recipe.js')).recipe(args),
  },
  gateway: {
    usage: 'gateway', about: 'start the kernel in a container for such a gateway (the gateway does this)',
    run: async (args) => (await import('./gateway.js')).startForGateway(args),
  },
  setup: {
    usage: 'setup', about: 'put JupyterLab and TensorFlow into a .venv in this folder',
    run: async () => (await import('./lab.js')).setUpHere(),
  },
  kernel: {
    usage: 'kernel CONNECTION_FILE', about: 'start the kernel itself (Jupyter does this)',
    run: async ([file]) => {
      if (!file) throw new UsageError('Cannot start the kernel: it needs the connection file that Jupyter wrote. Try `afinar lab`.')
      const { startHost } = await import('../host/index.js')
      await startHost(file)
      return new Promise<number>(() => {}) // the host ends the process itself
    },
  },
}

/** A command line that makes no sense; the message says what would. */
export class UsageError extends Error {}

function help(): string {
  const width = Math.max(...Object.values(commands).map(({ usage }) => usage.length))
  return ['afinar: a TypeScript kernel for Jupyter, and fine-tuning in it', '',
    ...Object.values(commands).map(({ usage, about }) => `  afinar ${usage.padEnd(width)}  ${about}`), ''].join('\n')
}

async function main([name, ...args]: string[]): Promise<number> {
  if (!name || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(help())
    return 0
  }
  if (name === '--version' || name === '-v') {
    const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
    process.stdout.write(`${version}\n`)
    return 0
  }
  const command = commands[name]
  if (!command) throw new UsageError(`Cannot run "afinar ${name}": there is no such command. There are: ${Object.keys(commands).join(', ')}.`)
  return command.run(args)
}

main(process.argv.slice(2)).then((code) => { process.exitCode = code }, (error: unknown) => {
  const known = error instanceof Error && /^Cannot /m.test(error.message)
  process.stderr.write(`${known ? error.message : error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
})
