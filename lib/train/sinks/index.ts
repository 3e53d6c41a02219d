// Where people already look: readers of the stream that write it down while it goes on. Each takes any run or list of events.
export { writeCSV } from './csv.js'
export { writeJSONLines } from './json-lines.js'
export { type MLflowOptions, writeMLflow } from './mlflow.js'
export { writeTensorBoard } from './tensorboard.js'
