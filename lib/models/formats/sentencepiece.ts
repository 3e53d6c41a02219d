// SentencePiece models (.spm, .model) as tokenizer.json: the pieces with their scores, the normalization. Unigram models only; nothing is trained here.
import { ModelError } from '../errors.js'

/** Of sentencepiece_model.proto: piece 1, score 2, type 3 (1 normal, 2 unknown, 3 control, 4 user-defined). */
export interface Piece { piece: string; score: number; type: number }

export interface SentencePiece { pieces: Piece[]; /** The character map that its normalizer was compiled to. */ characters: Uint8Array | undefined; removesSpaces: boolean; unigram: boolean }

type Value = number | Uint8Array

/** Fields of a protocol-buffer message. */
function* fieldsOf(bytes: Uint8Array, what: string): Generator<[field: number, value: Value]> {
  const cut = (): never => { throw new ModelError(`Cannot read ${what}: it is no SentencePiece model, or cut off. Fetch it again.`) }
  let at = 0
  const varint = (): number => {
    for (let value = 0, shift = 1; ; shift *= 128) {
      const byte = bytes[at++]
      if (byte === undefined || shift > 2 ** 63) return cut() // numbers below 0 take ten bytes
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
  }
  while (at < bytes.length) {
    const key = varint(), wire = key & 7, length = wire === 2 ? varint() : wire === 5 ? 4 : wire === 1 ? 8 : wire === 0 ? 0 : cut()
    if (at + length > bytes.length) cut()
    const value: Value = wire === 0 ? varint() : bytes.subarray(at, at + length)
    at += length
    yield [Math.floor(key / 8), value]
  }
}

const text = (value: Value) => new TextDecoder().decode(value as Uint8Array)
const float = (value: Value) => { const bytes = value as Uint8Array; return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true) }
const isBytes = (value: Value): value is Uint8Array => typeof value !== 'number'

export function readSentencePiece(bytes: Uint8Array, what: string): SentencePiece {
  const model: SentencePiece = { pieces: [], characters: undefined, removesSpaces: true, unigram: true }
  for (const [field, value] of fieldsOf(bytes, what)) {
    if (!isBytes(value)) continue
    if (field === 1) {
      const piece: Piece = { piece: '', score: 0, type: 1 }
      for (const [part, inner] of fieldsOf(value, what)) {
        if (part === 1 && isBytes(inner)) piece.piece = text(inner)
        if (part === 2 && isBytes(inner) && inner.length === 4) piece.score = float(inner)
        if (part === 3 && !isBytes(inner)) piece.type = inner
      }
      model.pieces.push(piece)
    }
    if (field === 2) for (const [part, inner] of fieldsOf(value, what)) if (part === 3) model.unigram = inner === 1 // trainer_spec.model_type
    if (field === 3) for (const [part, inner] of fieldsOf(value, what)) { // normalizer_spec
      if (part === 2 && isBytes(inner) && inner.length > 0) model.characters = inner
      if (part === 4) model.removesSpaces = inner !== 0
    }
  }
  if (model.pieces.length === 0) throw new ModelError(`Cannot read ${what}: it holds no pieces. Fetch it again.`)
  return model
}

/** What no text holds: it keeps a piece of the other side in its place without ever being found. */
const unreachable = '\u0001'

/**
 * tokenizer.json of one side of a Marian model, whose two SentencePiece models share the numbers of `vocabulary`.
 * @throws ModelError when the model is not of the unigram kind or the vocabulary has no end or unknown token
 */
export function marianTokenizer(model: SentencePiece, vocabulary: Record<string, number>, what: string): Record<string, unknown> {
  const end = vocabulary['</s>'], unknown = vocabulary['<unk>']
  if (!model.unigram) throw new ModelError(`Cannot use ${what}: only SentencePiece models of the unigram kind can be read, and it is of another.`)
  if (end === undefined || unknown === undefined) throw new ModelError(`Cannot use vocab.json beside ${what}: it has no ${end === undefined ? '</s>' : '<unk>'}. Fetch it again.`)
  const scores = new Map(model.pieces.filter(({ type }) => type === 1 || type === 4).map(({ piece, score }) => [piece, score]))
  const lowest = Math.min(0, ...scores.values()), entries: [string, number][] = []
  // A character that only the other side knows is unknown to this one's model, yet found in the vocabulary, as transformers looks it up (which
  // sees a run of unknown characters as one unknown word; here each is looked up).
  const entryOf = (piece: string): [string, number] => scores.has(piece) ? [piece, scores.get(piece)!] : [[...piece].length === 1 || /^(<|>>).+/.test(piece) ? piece : unreachable + piece, lowest - 10]
  for (const [piece, id] of Object.entries(vocabulary)) if (Number.isSafeInteger(id) && id >= 0 && id < 10_000_000) entries[id] = entryOf(piece)
  const filled = Array.from(entries, (entry, id): [string, number] => entry ?? [`${unreachable}${id}`, lowest - 100])
  const special = ['</s>', '<unk>', '<pad>'].filter((token) => token in vocabulary), languages = Object.keys(vocabulary).filter((token) => /^>>.+<<$/.test(token))
  const token = (content: string, isSpecial: boolean) => ({ id: vocabulary[content], content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: isSpecial })
  const normalizers = [
    ...(model.characters ? [{ type: 'Precompiled', precompiled_charsmap: Buffer.from(model.characters).toString('base64') }] : []),
    ...(model.removesSpaces ? [{ type: 'Strip', strip_left: true, strip_right: true }, { type: 'Replace', pattern: { Regex: ' {2,}' }, content: ' ' }] : []),
  ]
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: false }
  return {
    version: '1.0', truncation: null, padding: null,
    added_tokens: [...special.map((content) => token(content, true)), ...languages.map((content) => token(content, false))],
    normalizer: { type: 'Sequence', normalizers }, pre_tokenizer: metaspace, decoder: metaspace,
    post_processor: { type: 'TemplateProcessing', single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }], pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 0 } }, { SpecialToken: { id: '</s>', type_id: 0 } }], special_tokens: { '</s>': { id: '</s>', ids: [end], tokens: ['</s>'] } } },
    model: { type: 'Unigram', unk_id: unknown, vocab: filled, byte_fallback: false },
  }
}
