// The one error of this room. What can go wrong with sources, files, families and heads; nothing about training.

/** Bad input to the model room. The message names the thing, the rule, the value and the next step. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
}
