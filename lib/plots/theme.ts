// The one look of all figures: colours that colour-blind readers tell apart, greys that read on white and on black.
// No figure is made here.

/** Okabe and Ito's palette, its blue a little lighter so that it also reads on a dark page. */
export const colours = {
  blue: '#0f7fc4', vermillion: '#d55e00', green: '#009e73', purple: '#cc79a7', orange: '#e69f00', sky: '#56b4e9', grey: '#8a8a8a',
} as const

/** Colours in the order in which series take them; after the last the first comes again. */
export const palette: readonly string[] = [colours.blue, colours.vermillion, colours.green, colours.purple, colours.orange, colours.sky, colours.grey]

export const seriesColour = (index: number): string => palette[index % palette.length]!

/** What a colour means wherever training is drawn. Training is a plain line, validation has dots: they differ in grey print too. */
export const meaning = { training: colours.blue, validation: colours.vermillion, best: colours.green, overfitting: colours.purple, rate: colours.orange } as const

/** Text: contrast 4.5 on white and 4.2 on JupyterLab's black. */
export const ink = '#777777'
export const faintInk = 'rgba(128,128,128,0.75)'
export const gridColour = 'rgba(128,128,128,0.22)'
export const lineColour = 'rgba(128,128,128,0.55)'
export const fontFamily = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

/** From nothing to much; opaque, so that numbers written on it read alike on a white and a black page. */
export const sequentialScale: readonly (readonly [number, string])[] = [[0, '#f1f5f9'], [0.02, '#e3eef7'], [0.25, '#b5d6ec'], [0.6, '#4f9fd3'], [1, '#0b6aa8']]

/** The colour of text on `sequentialScale` at a share between 0 and 1. */
export const inkOnScale = (share: number): string => share > 0.45 ? '#ffffff' : '#3c3c3c'

/** `colour` (#rrggbb) with an opacity between 0 and 1. */
export function faded(colour: string, opacity: number): string {
  const channel = (at: number) => parseInt(colour.slice(at, at + 2), 16)
  return `rgba(${channel(1)},${channel(3)},${channel(5)},${opacity})`
}

const axis = {
  gridcolor: gridColour, linecolor: lineColour, zerolinecolor: lineColour, tickcolor: lineColour, zeroline: false,
  showline: true, ticks: 'outside', ticklen: 4, automargin: true, title: { standoff: 8, font: { size: 13, color: ink } },
}

/** The layout under every figure. Fixed size: a saved notebook looks as it did when it ran. */
export const baseLayout = {
  paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)', colorway: [...palette],
  font: { family: fontFamily, size: 12, color: ink }, width: 760, height: 380,
  margin: { l: 56, r: 20, t: 64, b: 48 },
  title: { x: 0, xref: 'paper', xanchor: 'left', y: 0.97, yref: 'container', yanchor: 'top', font: { size: 15 }, subtitle: { font: { size: 12, color: ink } } },
  legend: { bgcolor: 'rgba(0,0,0,0)', font: { size: 12 } },
  hoverlabel: { font: { family: fontFamily } },
  xaxis: axis, yaxis: axis,
}
