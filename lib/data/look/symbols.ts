// The two symbols by which a value says how it looks: in a notebook cell, and in a terminal.
export const jupyterDisplay: unique symbol = Symbol.for('Jupyter.display') as never
export const inspectSymbol: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never
