// The wire's door: connection, messages, codec. Nothing of ours is imported here.
export { type Channel, Connection, type ConnectionEvents, type ConnectionInfo, readConnectionFile, type RequestChannel } from './connection.js'
export { Codec, type Header, type Message, PROTOCOL_VERSION, RefusedMessage } from './message.js'
