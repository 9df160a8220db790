import { LargeImage } from "./large_image.js"
import { decodePng } from "./png.js"
import { fetchBytes, getAddress } from "./server.js"

// What outlives a mount: the images received, and the user's choices. Streamlit may remove a component and mount it
// again, and the two components of the viewer are separate modules, so everything is attached to the window.
export const store = (globalThis[Symbol.for("wbcseg.viewer")] ??= {
  payloads: new Map(),
  paths: new Map(),
  requests: new Map(),
  events: new EventTarget(),
  viewers: new WeakMap(),
  state: null,
  runCount: 0,
})

export const MAX_PAYLOADS = 12
const MAX_PATHS = 200
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

// Returns a payload. Those that are used are dropped last. One that was dropped is fetched again.
export function getPayload(digest) {
  const payload = store.payloads.get(digest)
  if (!payload) {
    if (store.paths.has(digest)) fetchPayload(digest, store.paths.get(digest))
    return null
  }
  store.payloads.delete(digest)
  store.payloads.set(digest, payload)
  return payload
}

// Stores a payload that was received; those not used for longest are dropped.
export function storePayload(bytes, path = "") {
  const payload = { ...decodePayload(bytes), path }
  if (store.payloads.has(payload.digest)) return
  store.payloads.set(payload.digest, payload)
  if (store.payloads.size > MAX_PAYLOADS) store.payloads.delete(store.payloads.keys().next().value)
  store.events.dispatchEvent(new Event("payload"))
}

// Returns the payload of an image, if it is there.
export function findPayload(imageId) {
  return [...store.payloads.values()].find(payload => payload.image_id === imageId)
}

// Fetches a payload, unless it is there or on its way. Tries again where the connection fails.
export function fetchPayload(digest, path) {
  store.paths.delete(digest)
  store.paths.set(digest, path)
  if (store.paths.size > MAX_PATHS) store.paths.delete(store.paths.keys().next().value)
  if (store.payloads.has(digest)) return Promise.resolve()
  if (!store.requests.has(digest)) {
    const request = fetchAndStore(digest).finally(() => store.requests.delete(digest))
    store.requests.set(digest, request)
  }
  return store.requests.get(digest)
}

async function fetchAndStore(digest) {
  const path = store.paths.get(digest), bytes = await fetchBytes(path)
  // The server keeps few images. If one that it dropped is needed, Python sends another address.
  if (!bytes) return
  storePayload(bytes, path)
  decodeWhenIdle(store.payloads.get(digest))
}

// Decodes an image and its maps before they are shown, so that the next image appears at once.
function decodeWhenIdle(payload) {
  if (!payload?.image_id || payload.tiles || !globalThis.requestIdleCallback) return
  requestIdleCallback(() => {
    loadImage(payload).catch(() => {})
    for (const part of Object.keys(payload.parts)) if (part !== "image") loadMap(payload, part).catch(() => {})
  })
}

// Returns a promise of the decoded image of a payload.
export function loadImage(payload) {
  return (payload.image ??= decodeImage(payload))
}

async function decodeImage({ parts, tiles, path }) {
  const bitmap = await createImageBitmap(new Blob([parts.image], { type: "image/png" }))
  if (!tiles) return bitmap
  const fetchTile = async (level, column, row) => {
    const response = await fetch(getAddress(`${path}/${level}/${column}/${row}`))
    if (!response.ok) throw new Error(`The server answered ${response.status}`)
    return createImageBitmap(await response.blob())
  }
  return new LargeImage(tiles, bitmap, fetchTile, () => store.events.dispatchEvent(new Event("tile")))
}

// Frees what was decoded of a large image that is not shown any more.
export async function releaseLargeImage(payload) {
  if (!payload?.tiles) return
  const image = await payload.image
  image?.clear()
  payload.fadedImage = null
  payload.maps.clear()
}

// Returns a promise of the same image, grey and pale, so that errors and uncertainty stand out on it.
export function loadFadedImage(payload) {
  return (payload.fadedImage ??= loadImage(payload).then(image => {
    const source = image.overview ?? image, { width, height } = source
    const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d")
    context.drawImage(source, 0, 0)
    const pixels = context.getImageData(0, 0, width, height), { data } = pixels
    for (let i = 0; i < data.length; i += 4) {
      const grey = 0.3 * data[i] + 0.59 * data[i + 1] + 0.11 * data[i + 2]
      data[i] = data[i + 1] = data[i + 2] = 128 + grey / 2
    }
    context.putImageData(pixels, 0, 0)
    return image.overview ? new LargeImage(image, canvas) : canvas
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
