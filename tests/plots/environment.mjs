// The usual environment, and the outer Node's require for packages that jest cannot load.
import { createRequire } from 'node:module'
import Environment from '../support/environment.mjs'

export default class extends Environment {
  async setup() {
    await super.setup()
    this.global.outerRequire = createRequire(import.meta.url)
  }
}
