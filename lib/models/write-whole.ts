// A text file that appears under its name only when it is whole.
import { rename, writeFile } from 'node:fs/promises'

export async function writeWhole(path: string, text: string): Promise<void> {
  const partial = `${path}.${process.pid}.partial`
  await writeFile(partial, text)
  await rename(partial, path)
}
