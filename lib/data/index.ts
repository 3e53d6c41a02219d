// The door of the data room: tables, images, texts, sounds, pairs and interactions become one Dataset. Other rooms come in here only.
export type * from './types.js'
