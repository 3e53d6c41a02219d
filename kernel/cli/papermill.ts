// papermill injects parameters by a translator for the kernel's language, and knows none for TypeScript. What it looks for in its
// own Python environment are engines (entry points); ours is its usual engine in a module that brings the translator along.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from './places.js'

const MODULE = `"""Lets papermill put parameters into notebooks of the kernel afinar. Written by "afinar install"."""
import json
import math
import re

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

DECLARATION = re.compile(r"^(?:const|let|var)\\s+([\\w$]+)\\s*(?::\\s*([^=]+?))?\\s*=\\s*(.*?)\\s*;?\\s*(?://\\s*(.*))?$", re.M)


class TypeScriptTranslator(Translator):
    @classmethod
    def translate_none(cls, val):
        return "null"

    @classmethod
    def translate_bool(cls, val):
        return "true" if val else "false"

    @classmethod
    def translate_float(cls, val):
        return "NaN" if math.isnan(val) else ("Infinity" if val > 0 else "-Infinity") if math.isinf(val) else repr(val)

    @classmethod
    def translate_str(cls, val):
        return json.dumps(val)

    translate_escaped_str = translate_str

    @classmethod
    def translate_dict(cls, val):
        return "{ " + ", ".join(json.dumps(str(key)) + ": " + cls.translate(value) for key, value in val.items()) + " }"

    @classmethod
    def translate_list(cls, val):
        return "[" + ", ".join(cls.translate(value) for value in val) + "]"

    @classmethod
    def comment(cls, text):
        return "// " + text.strip()

    @classmethod
    def assign(cls, name, text):
        # any for null, which could become anything
        return "let " + name + (": any" if text == "null" else "") + " = " + text

    @classmethod
    def inspect(cls, parameters_cell):
        """The parameters that the tagged cell declares, a line each."""
        found = DECLARATION.findall(parameters_cell["source"])
        return [Parameter(name, kind or "None", default, about or "") for name, kind, default, about in found]


papermill_translators.register("afinar", TypeScriptTranslator)
papermill_translators.register("typescript", TypeScriptTranslator)


class Engine(NBClientEngine):
    """papermill's usual engine: with --engine or without, the translator above is there."""
`

/** The environment's site-packages; undefined where `prefix` is no Python environment. */
function sitePackages(prefix: string): string | undefined {
  const lib = join(prefix, 'lib')
  const folders = [join(prefix, 'Lib', 'site-packages'), ...(existsSync(lib) ? readdirSync(lib).filter((name) => /^python3/.test(name)).map((name) => join(lib, name, 'site-packages')) : [])]
  return folders.find((folder) => existsSync(folder))
}

/** Writes the module and what makes pip and papermill see it. Returns where, or undefined where there is nothing to write into. */
export function installPapermillTranslator(prefix: string): string | undefined {
  const folder = sitePackages(prefix)
  if (folder === undefined) return undefined
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  const name = 'afinar_papermill', info = `${name}-${version}.dist-info`
  for (const old of readdirSync(folder).filter((each) => each.startsWith(`${name}-`) && each !== info)) renameSync(join(folder, old), join(folder, info))
  mkdirSync(join(folder, info), { recursive: true })
  const files: Record<string, string> = {
    [`${name}.py`]: MODULE,
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: afinar-papermill\nVersion: ${version}\nSummary: papermill's parameters for notebooks of the kernel afinar\n`,
    [`${info}/entry_points.txt`]: `[papermill.engine]\nafinar = ${name}:Engine\n`,
    [`${info}/INSTALLER`]: 'afinar\n',
  }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  writeFileSync(join(folder, info, 'RECORD'), [...Object.keys(files), `${info}/RECORD`].map((file) => `${file},,\n`).join(''))
  return folder
}
