// The encoder–decoders of the fixtures: configurations, and a preprocessing that no test encodes with.
export const seq2seqConfigs = {
  marian: { vocab_size: 24, d_model: 32, encoder_layers: 2, decoder_layers: 2, encoder_attention_heads: 4, encoder_ffn_dim: 64, max_position_embeddings: 32, activation_function: 'swish', scale_embedding: true, dropout: 0, attention_dropout: 0, pad_token_id: 23, eos_token_id: 0, decoder_start_token_id: 23 },
  t5: { vocab_size: 24, d_model: 32, d_kv: 8, d_ff: 64, num_layers: 2, num_decoder_layers: 2, num_heads: 4, relative_attention_num_buckets: 8, relative_attention_max_distance: 16, feed_forward_proj: 'gated-gelu', dropout_rate: 0, layer_norm_epsilon: 1e-6, tie_word_embeddings: true, pad_token_id: 23, eos_token_id: 0, decoder_start_token_id: 23 },
}

/** The fixture encoder_decoder: two small BERTs of different width. */
const bert = { num_hidden_layers: 2, num_attention_heads: 4, hidden_act: 'gelu', layer_norm_eps: 1e-12, hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, pooling: 'mean' }
export const encoderDecoderConfig = {
  encoder: { ...bert, model_type: 'bert', vocab_size: 60, hidden_size: 32, intermediate_size: 64, max_position_embeddings: 40, type_vocab_size: 2 },
  decoder: { ...bert, model_type: 'bert', vocab_size: 50, hidden_size: 24, intermediate_size: 48, max_position_embeddings: 30, type_vocab_size: 1 },
  pad_token_id: 0, eos_token_id: 2, decoder_start_token_id: 0, bad_words_ids: null,
}

export const seq2seqPreprocessing = { kind: 'pair' as const, source: { tokenizer: { model: { vocab: {} } } }, maxSourceLength: 30, maxTargetLength: 30, decoderStart: 23 }
