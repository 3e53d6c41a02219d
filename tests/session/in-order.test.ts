// The two ways out of a session, native output and messages, brought into one order; no session runs here.
import { expect, test } from '@jest/globals'
import { serialize } from 'node:v8'
import fc from 'fast-check'
import { FrameReader } from '../../kernel/session/frames.js'
import { InOrder } from '../../kernel/session/in-order.js'
import { markOf } from '../../kernel/session/marks.js'
import type { SessionMessage } from '../../kernel/session/messages.js'

const key = '0123456789abcdef'
const said = (text: string): SessionMessage => ({ type: 'stream', cell: 1, name: 'stdout', text })

function listen(): { order: InOrder; heard: string[] } {
  const heard: string[] = []
  return { heard, order: new InOrder(key, { onMessage: (message) => heard.push(message.type === 'stream' ? message.text : message.type), onNative: (_, text) => heard.push(text) }) }
}

test('native text keeps its place among messages, whichever way is faster', () => {
  for (const messagesFirst of [true, false]) {
    const { order, heard } = listen()
    const messages = (): void => { order.take(1, said('one')); order.take(2, said('three')) }
    const native = (): void => {
      order.hear('stdout', Buffer.from(`${markOf(key, 1)}two${markOf(key, 2)}four`))
      order.hear('stderr', Buffer.from(markOf(key, 1) + markOf(key, 2)))
    }
    if (messagesFirst) { messages(); native() } else { native(); messages() }
    expect(heard).toEqual(['one', 'two', 'three', 'four'])
    order.end()
  }
})

test('marks and characters may be cut anywhere', () => {
  fc.assert(fc.property(fc.array(fc.nat(40), { minLength: 1 }), (sizes) => {
    const { order, heard } = listen()
    const bytes = Buffer.from(`${markOf(key, 1)}é😀\x1e0123${markOf(key, 2)}end\x1e`)
    order.take(1, said('|'))
    order.take(2, said('|'))
    order.hear('stderr', Buffer.from(markOf(key, 2)))
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = 1 + (sizes[i % sizes.length] ?? 0)
      order.hear('stdout', bytes.subarray(at, at += size))
    }
    order.end()
    expect(heard.join('')).toBe('|é😀\x1e0123|end\x1e')
  }))
})

test('a descriptor that was closed, or a message that was cut short, holds up nothing for long', async () => {
  const { order, heard } = listen()
  order.take(1, said('message'))
  order.hear('stderr', Buffer.from(`${markOf(key, 1)}native${markOf(key, 2)}behind a lost message`))
  expect(heard).toEqual([])
  await new Promise((resolve) => setTimeout(resolve, 1300))
  expect(heard).toEqual(['message', 'native', 'behind a lost message'])
  order.end()
})

test('frames arrive whole, in whatever pieces they come', () => {
  fc.assert(fc.property(fc.array(fc.string({ maxLength: 200 }), { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (texts, sizes) => {
    const frames = Buffer.concat(texts.flatMap((text, i) => {
      const body = serialize(said(text)), head = Buffer.alloc(8)
      head.writeUInt32LE(body.length, 0)
      head.writeUInt32LE(i, 4)
      return [head, body]
    }))
    const heard: [number, string][] = []
    const reader = new FrameReader((mark, message) => heard.push([mark, message.type === 'stream' ? message.text : '']))
    for (let at = 0, i = 0; at < frames.length; i++) reader.hear(frames.subarray(at, at += sizes[i % sizes.length]!))
    expect(heard).toEqual(texts.map((text, i) => [i, text]))
  }))
})
