import { probability } from "./image_store.js"

// From maps and settings to overlays in the picture's own pixels. Done when a setting changes, never while one pans.

// Colours are 32-bit words as canvases keep them: alpha, blue, green, red.
export function word(hex, alpha = 255) {
  const n = parseInt(hex.slice(1), 16)
  return ((alpha << 24) | ((n & 0xff) << 16) | (n & 0xff00) | (n >> 16)) >>> 0
}

function darker(colour) {
  return ((colour & 0xff000000) | ((colour & 0xfefefe) >>> 1)) >>> 0
}

// Whether a pixel lies on the hatching of a class: it tells the classes apart without colour.
export function hatched(id, x, y, period) {
  const line = Math.max(1, period >> 2)
  if (id === 1) return (x + y) % period < line
  if (id === 2) return (x - y + 65536 * period) % period < line || (x + y) % period < line
  return y % period < line
}

export function period(width, height) {
  return Math.max(4, Math.round(Math.max(width, height) / 30))
}

// Which class is shown at every pixel: 255 where none is, because it is switched off or not sure enough.
export function visible(map, settings) {
  const out = new Uint8Array(map.ids.length), { classes, cutoff } = settings
  for (let i = 0; i < out.length; i++) {
    const id = map.ids[i]
    out[i] = classes[id] && (!cutoff || probability(map, id, i) >= cutoff) ? id : 255
  }
  return out
}

function painted(width, height, paint) {
  const image = new ImageData(width, height)
  paint(new Uint32Array(image.data.buffer))
  const canvas = new OffscreenCanvas(width, height)
  canvas.getContext("2d").putImageData(image, 0, 0)
  return canvas
}

// The classes as areas in their colours, hatched where wanted.
export function fillOverlay(map, shown, settings) {
  const { width, height } = map, colours = settings.colours.map(hex => word(hex)), step = period(width, height)
  return painted(width, height, out => {
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const id = shown[i]
        if (id === 255) continue
        out[i] = settings.hatch && hatched(id, x, y, step) ? darker(colours[id]) : colours[id]
      }
    }
  })
}

// How many maps have the commonest class, at every pixel.
export function agreement(maps) {
  const count = maps[0].ids.length, out = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const votes = [0, 0, 0]
    for (const map of maps) votes[map.ids[i]]++
    out[i] = Math.max(...votes)
  }
  return out
}

export const MISSED = 1
export const INVENTED = 2
export const CONFUSED = 3

// What is wrong at every pixel, for the classes that are switched on: 0 where nothing is.
export function errors(map, mask, classes) {
  const out = new Uint8Array(map.ids.length)
  for (let i = 0; i < out.length; i++) {
    const found = map.ids[i], truth = mask.ids[i]
    if (found === truth || !((truth && classes[truth]) || (found && classes[found]))) continue
    out[i] = !found ? MISSED : !truth ? INVENTED : CONFUSED
  }
  return out
}

export const ERROR_COLOURS = ["#000000", "#0072b2", "#e69f00", "#cc79a7"]
export const ERROR_WORDS = ["", "missed", "invented", "confused"]
export const DOUBT = ["#fff7bc", "#fec44f", "#d95f0e", "#7f2704"]

export function errorOverlay(width, height, wrong, hatch) {
  const colours = ERROR_COLOURS.map(hex => word(hex)), step = period(width, height)
  return painted(width, height, out => {
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const kind = wrong[i]
        if (kind) out[i] = hatch && hatched(kind - 1, x, y, step) ? darker(colours[kind]) : colours[kind]
      }
    }
  })
}

// Where models disagree, in the colours of doubt: the fewer agree, the darker.
export function agreementOverlay(width, height, votes, models) {
  const least = Math.max(1, Math.ceil(models / 3))
  return painted(width, height, out => {
    for (let i = 0; i < votes.length; i++) {
      if (votes[i] === models) continue
      const doubt = models > least ? (models - votes[i]) / (models - least) : 1
      out[i] = word(DOUBT[Math.min(3, 1 + Math.floor(doubt * 2.999))])
    }
  })
}

// How unsure a model is: from sure (nothing) to a third for each class (darkest).
export function doubtOverlay(map) {
  const ramp = new Uint32Array(256)
  for (let p = 0; p < 256; p++) {
    const doubt = Math.min(1, (255 - p) / 170)
    ramp[p] = doubt < 0.03 ? 0 : word(DOUBT[Math.min(3, Math.floor(doubt * 4))], Math.round(90 + 165 * doubt))
  }
  return painted(map.width, map.height, out => {
    for (let i = 0; i < out.length; i++) out[i] = ramp[Math.round(255 * probability(map, map.ids[i], i))]
  })
}

// Dice of nucleus, cytoplasm and cell; NaN where neither has the region. As wbcseg.metrics computes it.
export function dice(map, mask) {
  const both = [0, 0, 0, 0], sizes = [0, 0, 0, 0]
  for (let i = 0; i < map.ids.length; i++) {
    const a = map.ids[i], b = mask.ids[i]
    sizes[a]++
    sizes[b]++
    if (a === b) both[a]++
    if (a) sizes[3]++
    if (b) sizes[3]++
    if (a && b) both[3]++
  }
  const share = k => (sizes[k] ? (2 * both[k]) / sizes[k] : NaN)
  return { nucleus: share(2), cytoplasm: share(1), cell: share(3) }
}
