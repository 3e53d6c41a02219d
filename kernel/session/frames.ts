// A session's messages on their own pipe: each is a frame of its length, its mark and its serialized record. Written with blocking
// writes: so a cell that prints without end waits for its reader, also where its event loop never turns. Read by start.ts.
import fs from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import { Buffer } from './intrinsics.js'
import type { SessionMessage } from './messages.js'

/** The pipe that the host opens for it. */
export const messageDescriptor = 5

const header = 8
const { fstatSync, writeSync, writevSync } = fs // as they are now: see native-output.ts

/** Whether there is a host that reads. */
export function isRead(): boolean {
  try { return fstatSync(messageDescriptor).isSocket() } catch { return false }
}

export function writeFrame(mark: number, message: SessionMessage) {
  const body = serialize(message), head = Buffer.allocUnsafe(header)
  head.writeUInt32LE(body.length, 0)
  head.writeUInt32LE(mark, 4)
  try {
    let written = writevSync(messageDescriptor, [head, body]) - header
    while (written < body.length) written += writeSync(messageDescriptor, body, written)
  } catch { /* the host has gone, and this process follows */ }
}

/** Takes the pipe's bytes in whatever pieces they come, and hands on whole messages. */
export class FrameReader {
  private readonly pieces: Buffer[] = []
  private length = 0

  constructor(private readonly onMessage: (mark: number, message: SessionMessage) => void) {}

  hear(piece: Buffer) {
    this.pieces.push(piece)
    this.length += piece.length
    while (this.length >= header && this.length >= header + this.joined(header).readUInt32LE(0)) {
      const size = this.joined(header).readUInt32LE(0), bytes = this.joined(header + size)
      this.pieces[0] = bytes.subarray(header + size)
      this.length -= header + size
      this.onMessage(bytes.readUInt32LE(4), deserialize(bytes.subarray(header, header + size)) as SessionMessage)
    }
  }

  /** The first piece, made at least so long. */
  private joined(length: number): Buffer {
    if ((this.pieces[0]?.length ?? 0) < length) this.pieces.splice(0, this.pieces.length, Buffer.concat(this.pieces))
    return this.pieces[0]!
  }
}
