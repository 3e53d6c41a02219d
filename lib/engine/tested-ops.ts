// Ops whose gradients by TensorFlow are held against TensorFlow.js' and finite differences in tests/engine/gradients.test.ts, or have
// none. A recording made of these alone is trusted with its loss compared; any other op has the gradients compared at the first run.

export const testedOps: ReadonlySet<string> = new Set([
  // elementwise
  'Add', 'AddV2', 'AddN', 'Sub', 'Mul', 'RealDiv', 'Neg', 'Square', 'SquaredDifference', 'Sqrt', 'Rsqrt', 'Reciprocal', 'Exp', 'Log', 'Log1p', 'Pow', 'Abs', 'Erf', 'Sigmoid', 'Tanh', 'Relu', 'Relu6',
  'LeakyRelu', 'Elu', 'Softplus', 'Maximum', 'Minimum', 'Sin', 'Cos',
  // reductions and products
  'Sum', 'Mean', 'Max', 'Min', 'Prod', 'MatMul', 'BatchMatMulV2', 'Einsum', 'Softmax', 'LogSoftmax', 'Cumsum', 'Cumprod', 'TopKV2', 'CTCLoss',
  // shapes
  'Reshape', 'Transpose', 'ExpandDims', 'Squeeze', 'ConcatV2', 'Pack', 'Unpack', 'SplitV', 'Slice', 'StridedSlice', 'Tile', 'PadV2', 'MirrorPad', 'GatherV2', 'GatherNd', 'Select', 'ReverseV2', 'Cast',
  // images
  'Conv2D', 'DepthwiseConv2dNative', 'MaxPool', 'AvgPool', 'FusedBatchNorm', 'ResizeBilinear', 'ResizeNearestNeighbor', 'CropAndResize',
  // without gradients
  'OneHot', 'ZerosLike', 'OnesLike', 'Fill', 'Range', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'Equal', 'NotEqual', 'LogicalAnd', 'LogicalOr', 'LogicalNot', 'ArgMax', 'ArgMin', 'Floor', 'Sign', 'Round',
  'StatelessRandomUniform', 'StatelessRandomNormal', 'Identity', 'Where',
])
