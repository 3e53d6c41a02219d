export { staticSVG } from './static.js'
export { makeFigure, figureBundle } from './figure.js'
