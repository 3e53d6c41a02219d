// Door of the room of display: rich output for any front end, and nothing about what is shown.
export { bundleOf, displaySymbol, textOf, type Displayable, type MimeBundle } from './bundle.js'
export { display, html, latex, markdown, svg } from './display.js'
export { image, type Canvas, type ImageTensor, type Pixels } from './image.js'
export { session, type ShowOptions } from './front-end.js'
export { interact, type Control, type Interaction, type Value as ControlValue } from './interact.js'
export { liveDisplay, type LiveDisplay, type LiveOptions } from './live.js'
export { terminalOn } from './terminal.js'
export { Widget, widget, type Binary as WidgetBinary, type State as WidgetState, type WidgetOptions } from './widget.js'
