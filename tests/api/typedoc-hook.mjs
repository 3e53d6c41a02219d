// TypeDoc needs TypeScript's JavaScript API, which version 7 does not have: it gets version 6.
import { register } from 'node:module'

const resolver = `export async function resolve(name, context, next) { return next(name === 'typescript' || name.startsWith('typescript/') ? name.replace('typescript', 'typescript-6') : name, context) }`
register(`data:text/javascript,${encodeURIComponent(resolver)}`)
