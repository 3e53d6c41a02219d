// A translator of two BERTs (Rothe et al. 2020), as transformers' EncoderDecoderModel: the encoder may begin with published weights such as MiniLM's.
//
//   source [n] ─► BERT, RoBERTa or DistilBERT, as it is ─► (projection, where widths differ) ────────────────────┐
//   written [m] ─► words + positions ─► norm ─► decoder layer 1 … L (what is written, the source ◄┘, feed forward) ─► dense ─► norm ─► scores by the words' own table + bias
//
// The whole decoder is the head: `freeze('backbone')` leaves the encoder as it was.
import { activate } from '../blocks/activation.js'
import { causalMask, paddingMask } from '../blocks/attention.js'
import { dropout } from '../blocks/dropout.js'
import { addedVector, learnedPositions, sharedVector, SharedTable } from '../blocks/embedding.js'
import { decoderBlock, dense } from '../blocks/encoder.js'
import { layerNorm } from '../blocks/layer-norm.js'
import type { PairPreprocessing } from '../../data/index.js'
import { ModelError } from '../errors.js'
import type { Config, Family } from '../family.js'
import { bertDefaults, bertEncoder, bertStyle, bertVariants, type BertConfig } from './bert.js'
import { pairInputs, pairPreprocessing, specialIds, translating, vocabularyOf, type WritingConfig } from './seq2seq.js'
import { checkedCounts, checkedHeads } from './text.js'

interface Parts extends WritingConfig { encoder: BertConfig & { model_type: string }; decoder: BertConfig }

const counts = ['vocab_size', 'hidden_size', 'num_hidden_layers', 'num_attention_heads', 'intermediate_size', 'max_position_embeddings', 'type_vocab_size'] as const
const freshDecoder: BertConfig = { ...bertDefaults, vocab_size: 8000, hidden_size: 256, num_hidden_layers: 3, num_attention_heads: 4, intermediate_size: 1024, max_position_embeddings: 256, type_vocab_size: 1 }

const variantOf = (type: string) => bertVariants.find((variant) => variant.name === type) ?? (() => { throw new ModelError(`Cannot build an encoder–decoder on "${type}": its encoder is one of ${bertVariants.map(({ name }) => name).join(', ')}.`) })()

function part(title: string, config: BertConfig): BertConfig {
  checkedHeads(title, config.hidden_size, config.num_attention_heads)
  return checkedCounts(title, config, counts)
}

export const encoderDecoder: Family<Parts> = {
  name: 'encoder-decoder',
  title: 'Encoder–decoder',
  inputs: 'pair',
  task: 'sequence',
  head: 'decoder',
  ignored: /^(encoder\.pooler\.|decoder\.cls\.predictions\.decoder\.)|\.embeddings\.position_ids$/,
  configure({ given = {}, preprocessing: p }) {
    const encoder = { ...bertDefaults, model_type: 'bert', ...given['encoder'] as Config } as Parts['encoder']
    const decoder = { ...freshDecoder, ...given['decoder'] as Config } as BertConfig
    const tokens = p?.kind === 'pair' ? { source: vocabularyOf(p.source), target: vocabularyOf(p.target ?? p.source), ...specialIds(p.target ?? p.source), start: p.decoderStart } : undefined
    const ids = { pad_token_id: tokens?.pad ?? 0, eos_token_id: tokens?.end ?? 1, decoder_start_token_id: tokens?.start ?? 0 }
    if (tokens && !(given['encoder'] as Config | undefined)?.['vocab_size']) encoder.vocab_size = tokens.source
    if (tokens && !(given['decoder'] as Config | undefined)?.['vocab_size']) decoder.vocab_size = tokens.target
    variantOf(encoder.model_type)
    const { encoder: _, decoder: __, ...rest } = given as Partial<Parts>
    return {
      // what transformers knows the saved model by
      ...{ model_type: 'encoder-decoder', architectures: ['EncoderDecoderModel'], is_encoder_decoder: true, tie_encoder_decoder: false, tie_word_embeddings: false },
      ...ids, bad_words_ids: [[ids.pad_token_id]], ...rest, vocab_size: decoder.vocab_size, encoder: { ...part('the encoder', encoder), model_type: encoder.model_type }, decoder: { ...part('the decoder', decoder), ...{ model_type: 'bert', is_decoder: true, add_cross_attention: true, tie_word_embeddings: true, pad_token_id: ids.pad_token_id } },
    }
  },
  /** Tokens are those that it writes; positions those of both sides. */
  resized: (config, what, rows) => what === 'tokens' ? { ...config, vocab_size: rows, decoder: { ...config.decoder, vocab_size: rows } }
    : what === 'positions' ? { ...config, encoder: { ...config.encoder, max_position_embeddings: rows + variantOf(config.encoder.model_type).firstPosition }, decoder: { ...config.decoder, max_position_embeddings: rows } } : undefined,
  build(config) {
    const { encoder, decoder } = config, inputs = pairInputs(), unpadded = paddingMask(inputs.attention_mask, 'mask')
    const encoded = bertEncoder(encoder, variantOf(encoder.model_type), { ids: inputs.input_ids, bias: unpadded }, 'encoder.')
    const source = encoder.hidden_size === decoder.hidden_size ? encoded : dense(encoded, 'decoder.enc_to_dec_proj', decoder.hidden_size)
    const words = new SharedTable('decoder.embeddings.word_embeddings', decoder.vocab_size, decoder.hidden_size, config.pad_token_id)
    let y = sharedVector(words.look(inputs.decoder_input_ids), 'decoder.embeddings.token_type_embeddings', decoder.type_vocab_size)
    y = learnedPositions(y, 'decoder.embeddings.position_embeddings', decoder.max_position_embeddings)
    y = dropout(layerNorm(y, 'decoder.embeddings.LayerNorm', decoder.layer_norm_eps), 'decoder.embeddings.dropout', decoder.hidden_dropout_prob)
    const before = causalMask(y, 'causal_mask')
    for (let i = 0; i < decoder.num_hidden_layers; i++) y = decoderBlock(y, source, `decoder.encoder.layer.${i}`, bertStyle(decoder), { before, unpadded })
    const transform = 'decoder.cls.predictions.transform'
    y = layerNorm(activate(dense(y, `${transform}.dense`, decoder.hidden_size), `${transform}.activation`, decoder.hidden_act), `${transform}.LayerNorm`, decoder.layer_norm_eps)
    const scores = addedVector(words.score(y, 'decoder.scores'), 'decoder.cls.predictions', { leaf: 'bias' })
    return translating('encoder-decoder', inputs, encoded, scores, config)
  },
  group(layer) {
    const [, number] = /^encoder\.encoder\.layer\.(\d+)\./.exec(layer) ?? []
    return number ? `layer ${Number(number) + 1}` : layer.startsWith('encoder.') ? 'embeddings' : 'head'
  },
  checkpointName: (weight, { encoder }) => weight.startsWith('encoder.')
    ? `encoder.${variantOf(encoder.model_type).checkpointName?.(weight.slice(8)) ?? weight.slice(8)}`
    : weight.replace(/^decoder\.(embeddings|encoder)\./, 'decoder.bert.$1.').replace('decoder.enc_to_dec_proj', 'enc_to_dec_proj'),
  readConfig(json) {
    const { encoder, decoder } = json as Partial<Record<string, Config>>
    if (json['model_type'] !== 'encoder-decoder' || !encoder || decoder?.['model_type'] !== 'bert') return undefined
    const variant = variantOf(String(encoder['model_type']))
    const ids = Object.fromEntries(['pad_token_id', 'eos_token_id', 'decoder_start_token_id'].map((name) => [name, json[name] ?? decoder[name]]).filter(([, id]) => typeof id === 'number'))
    return { ...ids, ...(json['bad_words_ids'] ? { bad_words_ids: json['bad_words_ids'] } : { bad_words_ids: null }), encoder: { ...encoder, ...variant.read?.(encoder) }, decoder }
  },
  preprocessing: (config, beside) => pairPreprocessing('Encoder–decoder', config, Math.min(config.encoder.max_position_embeddings, config.decoder.max_position_embeddings), beside),
  grows: {
    task: 'sequence',
    from: bertVariants.map(({ name }) => name),
    part: 'encoder.',
    configure: (base, baseConfig, { given = {}, preprocessing }) => ({ ...encoderDecoder.configure({ given: { ...given, encoder: { ...baseConfig, model_type: base } }, preprocessing }) }),
    preprocessing(read, { target, given }): PairPreprocessing {
      if (!target) throw new ModelError("Cannot begin a new decoder: it needs to know the tokens that it writes. Pass target, such as { target: trainTokenizer(texts) }, or a whole preprocessing.")
      if (read.kind !== 'text') throw new ModelError(`Cannot begin a new decoder on a model that reads ${read.kind}s: it must read texts.`)
      const longest = Number((given?.['decoder'] as Config | undefined)?.['max_position_embeddings'] ?? freshDecoder.max_position_embeddings)
      return { kind: 'pair', source: read.tokenizer, target, maxSourceLength: Math.min(128, read.maxLength), maxTargetLength: Math.min(128, longest), decoderStart: specialIds(target).pad, padding: 'buckets' }
    },
  },
}
