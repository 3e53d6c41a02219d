// Door of the room of display: rich output for any front end, and nothing about what is shown.
export { bundleOf, displayable, displaySymbol, textOf, type Displayable, type MimeBundle } from './bundle.js'
export { display, figure, html, markdown } from './display.js'
export { frontEnd, session, type FrontEnd, type Session, type ShowOptions } from './front-end.js'
export { liveDisplay, type LiveDisplay, type LiveOptions } from './live.js'
export { terminalOn } from './terminal.js'
