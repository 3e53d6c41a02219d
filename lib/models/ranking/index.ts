// Evidence for choosing a model, from features and labels alone. Running the models and showing the table is the workflow room's.
export { hScore, leep, logME, type Evidence, type Features, type LogME } from './evidence.js'
export { linearProbe, type LinearProbe, type LinearProbeOptions } from './linear-probe.js'
export { fitLogistic, type LogisticModel } from './logistic.js'
