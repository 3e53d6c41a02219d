// TypeScript to JavaScript without a type check: types off, enums, namespaces, decorators and `using` lowered.
// What a cell needs beyond that (top level, imports, awaits) is next door.
import { createRequire } from 'node:module'
import { transformSync } from 'oxc-transform'
import { decodeMappings, placeOf, type DecodedMappings, type Place } from './positions.js'

export interface Stripped { code: string; maps: () => DecodedMappings[] }

/** Code that is not TypeScript. `place` is where, in the source. */
export class TypeScriptSyntaxError extends SyntaxError {
  constructor(message: string, readonly file: string, readonly place: Place, readonly hint: string | null) {
    super(message)
    this.name = 'SyntaxError'
  }
}

/**
 * Strips types. Helpers that lowering needs are expected as the global `babelHelpers`.
 * @throws TypeScriptSyntaxError
 */
export function stripTypes(file: string, source: string, options: { legacyDecorators?: boolean; file?: string } = {}): Stripped {
  const result = transformSync(file, source, {
    lang: /\.m?js$/.test(file) ? 'js' : file.endsWith('x') ? 'tsx' : 'ts', sourceType: 'module', sourcemap: true, target: 'es2024',
    typescript: { onlyRemoveTypeImports: true }, helpers: { mode: 'External' as never },
    decorator: { legacy: options.legacyDecorators ?? false },
  })
  const error = result.errors.find(error => error.severity === 'Error')
  if (error) {
    // oxc-transform counts bytes of UTF-8
    const offset = Buffer.from(source).subarray(0, error.labels[0]?.start ?? 0).toString().length
    throw new TypeScriptSyntaxError(error.message, options.file ?? file, placeOf(source, offset), error.helpMessage)
  }
  const maps = () => [decodeMappings(result.map?.mappings ?? '')]
  return options.legacyDecorators || !/@/.test(result.code) ? { code: result.code, maps } : lowerDecorators(result.code, maps)
}

/**
 * V8 has no decorators and oxc only lowers the older proposal. TypeScript 5 lowers the standard's;
 * it comes with tslab and is loaded only for code that has an @ in it.
 */
function lowerDecorators(code: string, maps: () => DecodedMappings[]): Stripped {
  if (!/(^|[\s;{}(])@[\w$(]/m.test(code.replaceAll('@__PURE__', ''))) return { code, maps }
  const ts = typescript5()
  const lowered = ts.transpileModule(code, {
    fileName: 'cell.js', reportDiagnostics: false,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, allowJs: true, sourceMap: true, verbatimModuleSyntax: true },
  })
  const map = JSON.parse(lowered.sourceMapText ?? '{"mappings":""}') as { mappings: string }
  return { code: lowered.outputText.replace(/\n?\/\/# sourceMappingURL=.*$/m, ''), maps: () => [...maps(), decodeMappings(map.mappings)] }
}

interface TypeScript5 {
  ScriptTarget: { ES2022: number }; ModuleKind: { ESNext: number }
  transpileModule(code: string, options: object): { outputText: string; sourceMapText?: string }
}

let loaded: TypeScript5 | undefined
function typescript5(): TypeScript5 {
  const here = createRequire(import.meta.url)
  return loaded ??= createRequire(here.resolve('tslab/package.json'))('@tslab/typescript-for-tslab') as TypeScript5
}
