import { decodePng } from "./png.js"

// What outlives the single mount: the pictures that came, and what the reader chose. Streamlit may take a component down
// and put it up again, and the two components of the viewer are two modules, so all of it hangs on the window.
export const store = (globalThis[Symbol.for("wbcseg.viewer")] ??= {
  packs: new Map(),
  arrived: new EventTarget(),
  live: new WeakMap(),
  kept: null,
  turn: 0,
})

const MOST_PACKS = 12

export function readPack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== 0x57425031) throw new Error("Not a pack")
  const end = 8 + view.getUint32(4, true)
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end)))
  const parts = {}
  for (const [name, [offset, length]] of Object.entries(head.parts)) {
    parts[name] = bytes.subarray(end + offset, end + offset + length)
  }
  return { ...head, parts, maps: new Map() }
}

// Keeps a pack that has come; the oldest ones go.
export function keepPack(bytes) {
  const pack = readPack(bytes)
  if (store.packs.has(pack.digest)) return
  store.packs.set(pack.digest, pack)
  if (store.packs.size > MOST_PACKS) store.packs.delete(store.packs.keys().next().value)
  store.arrived.dispatchEvent(new Event("pack"))
}

// Returns the photograph of a pack, once decoded.
export function photograph(pack) {
  return (pack.photograph ??= createImageBitmap(new Blob([pack.parts.picture], { type: "image/png" })))
}

// Returns the same grey and pale, so that what is wrong or unsure stands out on it.
export function faded(pack) {
  return (pack.faded ??= photograph(pack).then(picture => {
    const { width, height } = picture, canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d")
    context.drawImage(picture, 0, 0)
    const image = context.getImageData(0, 0, width, height), { data } = image
    for (let i = 0; i < data.length; i += 4) {
      const grey = 0.3 * data[i] + 0.59 * data[i + 1] + 0.11 * data[i + 2]
      data[i] = data[i + 1] = data[i + 2] = 128 + grey / 2
    }
    context.putImageData(image, 0, 0)
    return canvas
  }))
}

// Returns what a part says of every pixel: {width, height, ids, cytoplasm, nucleus}; a mask has ids only.
export function mapOf(pack, part) {
  if (!pack.maps.has(part)) pack.maps.set(part, decodePng(pack.parts[part]).then(planes))
  return pack.maps.get(part)
}

export function planes({ width, height, channels, pixels }) {
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

// The probability (0 to 1) of a class at a pixel; a mask is certain.
export function probability(map, id, i) {
  if (!map.nucleus) return map.ids[i] === id ? 1 : 0
  if (id === 2) return map.nucleus[i] / 255
  if (id === 1) return map.cytoplasm[i] / 255
  return Math.max(0, 255 - map.cytoplasm[i] - map.nucleus[i]) / 255
}
