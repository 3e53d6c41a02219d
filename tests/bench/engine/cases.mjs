// The networks that the engine's benchmark trains, as plain numbers; engine/networks.mjs, keras_step.py and torch_step.py build the same from them.
// inverted: [expansion, channels, kernel, stride, repeats], as in the papers on MobileNetV2 and EfficientNet-Lite0.
export const cases = {
  'small-cnn': { kind: 'cnn', size: 32, batch: 32, classes: 10, filters: [32, 64, 64] },
  'mobilenetv2-96': { kind: 'inverted', size: 96, batch: 16, classes: 10, stem: 32, head: 1280, blocks: [[1, 16, 3, 1, 1], [6, 24, 3, 2, 2], [6, 32, 3, 2, 3], [6, 64, 3, 2, 4], [6, 96, 3, 1, 3], [6, 160, 3, 2, 3], [6, 320, 3, 1, 1]] },
  'efficientnet-lite0-128': { kind: 'inverted', size: 128, batch: 16, classes: 10, stem: 32, head: 1280, blocks: [[1, 16, 3, 1, 1], [6, 24, 3, 2, 2], [6, 40, 5, 2, 2], [6, 80, 3, 2, 3], [6, 112, 5, 1, 3], [6, 192, 5, 2, 4], [6, 320, 3, 1, 1]] },
  'minilm-16x64': { kind: 'encoder', batch: 16, length: 64, classes: 2, vocabulary: 30522, layers: 6, width: 384, heads: 12, inner: 1536 },
}
