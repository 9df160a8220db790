// What outlives a mount: what Python sent, and the user's choices. The components of the workbench are separate modules,
// so everything is attached to the window.
export const store = (globalThis[Symbol.for("wbcseg.workbench")] ??= {
  payloads: new Map(),
  events: new EventTarget(),
  instances: new WeakMap(),
  sessions: new Map(),
  runCount: 0,
})

export const MAX_PAYLOADS = 80
export const TILE_SIDE = 96
const MAGIC = 0x57425031 // "WBP1"

// Reads a payload; see wbcseg/ui/viewer/payload.py. Returns its header with {parts}.
export function decodePayload(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.byteLength < 8 || view.getUint32(0) !== MAGIC) throw new Error("Not a payload")
  const end = 8 + view.getUint32(4, true)
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end)))
  const parts = {}
  for (const [name, [offset, length]] of Object.entries(header.parts)) parts[name] = bytes.subarray(end + offset, end + offset + length)
  return { ...header, parts }
}

// Stores a payload that was received; those not used for longest are dropped.
export function storePayload(bytes) {
  const payload = decodePayload(bytes)
  if (store.payloads.has(payload.digest)) return
  store.payloads.set(payload.digest, payload)
  if (store.payloads.size > MAX_PAYLOADS) store.payloads.delete(store.payloads.keys().next().value)
  store.events.dispatchEvent(new Event("payload"))
}

// Returns a payload. Those that are used are dropped last.
export function getPayload(digest) {
  const payload = digest && store.payloads.get(digest)
  if (!payload) return null
  store.payloads.delete(digest)
  store.payloads.set(digest, payload)
  return payload
}

// Returns the image of a sheet or of a large tile once it is decoded, else null; "payload" is dispatched when it is.
export function getBitmap(payload) {
  if (!payload) return null
  if (payload.bitmap === undefined) {
    payload.bitmap = null
    createImageBitmap(new Blob([payload.parts.image], { type: "image/jpeg" })).then(bitmap => {
      payload.bitmap = bitmap
      store.events.dispatchEvent(new Event("payload"))
    })
  }
  return payload.bitmap
}

// Returns the outlines of a slot as lists of [x, y] from 0 to 1: {cell, nuclei}.
export function getOutlines(payload, slot) {
  payload.outlines ??= new Map()
  if (!payload.outlines.has(slot)) payload.outlines.set(slot, decodeRings(payload, slot))
  return payload.outlines.get(slot)
}

function decodeRings(payload, slot) {
  const [start, ...lengths] = payload.rings[slot], { outlines } = payload.parts
  let offset = start
  const rings = lengths.map(length => {
    const ring = Array.from({ length }, (_, i) => [outlines[offset + 2 * i] / payload.extent, outlines[offset + 2 * i + 1] / payload.extent])
    offset += 2 * length
    return ring
  })
  return { cell: rings[0] ?? [], nuclei: rings.slice(1) }
}
