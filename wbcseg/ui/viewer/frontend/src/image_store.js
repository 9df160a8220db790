import { decodePng } from "./png.js"

// What outlives a mount: the images received, and the user's choices. Streamlit may remove a component and mount it
// again, and the two components of the viewer are separate modules, so everything is attached to the window.
export const store = (globalThis[Symbol.for("wbcseg.viewer")] ??= {
  payloads: new Map(),
  events: new EventTarget(),
  viewers: new WeakMap(),
  state: null,
  runCount: 0,
})

export const MAX_PAYLOADS = 12
const MAGIC = 0x57425031 // "WBP1"

// Reads a payload; see wbcseg/ui/viewer/payload.py. Returns its header with {parts, maps}.
export function decodePayload(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== MAGIC) throw new Error("Not a payload")
  const end = 8 + view.getUint32(4, true)
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end)))
  const parts = {}
  for (const [name, [offset, length]] of Object.entries(header.parts)) {
    parts[name] = bytes.subarray(end + offset, end + offset + length)
  }
  return { ...header, parts, maps: new Map() }
}

// Returns a payload. Those that are used are dropped last: Python does not send again what it shows.
export function getPayload(digest) {
  const payload = store.payloads.get(digest)
  if (!payload) return null
  store.payloads.delete(digest)
  store.payloads.set(digest, payload)
  return payload
}

// Stores a payload that was received; those not used for longest are dropped.
export function storePayload(bytes) {
  const payload = decodePayload(bytes)
  if (store.payloads.has(payload.digest)) return
  store.payloads.set(payload.digest, payload)
  if (store.payloads.size > MAX_PAYLOADS) store.payloads.delete(store.payloads.keys().next().value)
  store.events.dispatchEvent(new Event("payload"))
}

// Returns a promise of the decoded image of a payload.
export function loadImage(payload) {
  return (payload.image ??= createImageBitmap(new Blob([payload.parts.image], { type: "image/png" })))
}

// Returns a promise of the same image, grey and pale, so that errors and uncertainty stand out on it.
export function loadFadedImage(payload) {
  return (payload.fadedImage ??= loadImage(payload).then(image => {
    const { width, height } = image, canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d")
    context.drawImage(image, 0, 0)
    const pixels = context.getImageData(0, 0, width, height), { data } = pixels
    for (let i = 0; i < data.length; i += 4) {
      const grey = 0.3 * data[i] + 0.59 * data[i + 1] + 0.11 * data[i + 2]
      data[i] = data[i + 1] = data[i + 2] = 128 + grey / 2
    }
    context.putImageData(pixels, 0, 0)
    return canvas
  }))
}

// Returns a promise of a mask or of a model's result: {width, height, ids, cytoplasm, nucleus}; a mask has ids only.
export function loadMap(payload, part) {
  if (!payload.maps.has(part)) payload.maps.set(part, decodePng(payload.parts[part]).then(splitChannels))
  return payload.maps.get(part)
}

// Returns a promise of a panel's map: after corrections it is in a payload of its own, which may still be on its way.
export function loadPanelMap(payload, { part, map_digest: mapDigest }) {
  return loadMap(getPayload(mapDigest) ?? payload, part)
}

// Splits interleaved pixels into class ids and the probabilities of cytoplasm and nucleus (0 to 255).
export function splitChannels({ width, height, channels, pixels }) {
  if (channels === 1) return { width, height, ids: pixels }
  const count = width * height
  const ids = new Uint8Array(count), cytoplasm = new Uint8Array(count), nucleus = new Uint8Array(count)
  for (let i = 0, j = 0; i < count; i++) {
    ids[i] = pixels[j++]
    cytoplasm[i] = pixels[j++]
    nucleus[i] = pixels[j++]
  }
  return { width, height, ids, cytoplasm, nucleus }
}

// Returns the probability (0 to 1) of a class at pixel i; a mask is certain.
export function getProbability(map, id, i) {
  if (!map.nucleus) return map.ids[i] === id ? 1 : 0
  if (id === 2) return map.nucleus[i] / 255
  if (id === 1) return map.cytoplasm[i] / 255
  return Math.max(0, 255 - map.cytoplasm[i] - map.nucleus[i]) / 255
}
