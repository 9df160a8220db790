import { getProbability } from "./image_store.js"

// Overlays in the image's own pixels, from label maps and settings. Rendered when a setting changes, never while panning.

export const HIDDEN = 255

// Converts "#rrggbb" to the 32-bit word that canvases store: alpha, blue, green, red.
export function toPixelWord(hex, alpha = 255) {
  const n = parseInt(hex.slice(1), 16)
  return ((alpha << 24) | ((n & 0xff) << 16) | (n & 0xff00) | (n >> 16)) >>> 0
}

function darken(colour) {
  return ((colour & 0xff000000) | ((colour & 0xfefefe) >>> 1)) >>> 0
}

// Whether a pixel lies on a hatching line of a class. Hatching distinguishes the classes without colour.
export function isHatched(id, x, y, period) {
  const lineWidth = Math.max(1, period >> 2)
  if (id === 1) return (x + y) % period < lineWidth
  if (id === 2) return (x - y + 65536 * period) % period < lineWidth || (x + y) % period < lineWidth
  return y % period < lineWidth
}

export function computeHatchPeriod(width, height) {
  return Math.max(4, Math.round(Math.max(width, height) / 30))
}

// Returns the class to show at every pixel: HIDDEN where the class is switched off or below the confidence threshold.
export function selectVisible(map, settings) {
  const out = new Uint8Array(map.ids.length), { classes, threshold } = settings
  for (let i = 0; i < out.length; i++) {
    const id = map.ids[i]
    out[i] = classes[id] && (!threshold || getProbability(map, id, i) >= threshold) ? id : HIDDEN
  }
  return out
}

function renderCanvas(width, height, paint) {
  const image = new ImageData(width, height)
  paint(new Uint32Array(image.data.buffer))
  const canvas = new OffscreenCanvas(width, height)
  canvas.getContext("2d").putImageData(image, 0, 0)
  return canvas
}

// Fills the classes with their colours, hatched if set.
export function renderFill(map, visibleIds, settings) {
  const { width, height } = map, colours = settings.colours.map(hex => toPixelWord(hex))
  const period = computeHatchPeriod(width, height)
  return renderCanvas(width, height, out => {
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const id = visibleIds[i]
        if (id === HIDDEN) continue
        out[i] = settings.hatching && isHatched(id, x, y, period) ? darken(colours[id]) : colours[id]
      }
    }
  })
}

// Counts at every pixel how many models chose the most common class.
export function countMajorityVotes(maps) {
  const count = maps[0].ids.length, out = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const votes = [0, 0, 0]
    for (const map of maps) votes[map.ids[i]]++
    out[i] = Math.max(...votes)
  }
  return out
}

export const FALSE_NEGATIVE = 1
export const FALSE_POSITIVE = 2
export const WRONG_CLASS = 3

// Returns the kind of error at every pixel, for the classes that are switched on; 0 where there is none.
export function classifyErrors(map, mask, classes) {
  const out = new Uint8Array(map.ids.length)
  for (let i = 0; i < out.length; i++) {
    const predicted = map.ids[i], truth = mask.ids[i]
    if (predicted === truth || !((truth && classes[truth]) || (predicted && classes[predicted]))) continue
    out[i] = !predicted ? FALSE_NEGATIVE : !truth ? FALSE_POSITIVE : WRONG_CLASS
  }
  return out
}

export const ERROR_COLOURS = ["#000000", "#0072b2", "#e69f00", "#cc79a7"]
export const ERROR_LABELS = ["", "false negative", "false positive", "wrong class"]
export const UNCERTAINTY_COLOURS = ["#fff7bc", "#fec44f", "#d95f0e", "#7f2704"]

export function renderErrors(width, height, errorKinds, hatching) {
  const colours = ERROR_COLOURS.map(hex => toPixelWord(hex)), period = computeHatchPeriod(width, height)
  return renderCanvas(width, height, out => {
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        const kind = errorKinds[i]
        if (kind) out[i] = hatching && isHatched(kind - 1, x, y, period) ? darken(colours[kind]) : colours[kind]
      }
    }
  })
}

// Marks where models disagree, in the colours of uncertainty: the fewer agree, the darker.
export function renderAgreement(width, height, votes, modelCount) {
  const minVotes = Math.max(1, Math.ceil(modelCount / 3))
  return renderCanvas(width, height, out => {
    for (let i = 0; i < votes.length; i++) {
      if (votes[i] === modelCount) continue
      const disagreement = modelCount > minVotes ? (modelCount - votes[i]) / (modelCount - minVotes) : 1
      out[i] = toPixelWord(UNCERTAINTY_COLOURS[Math.min(3, 1 + Math.floor(disagreement * 2.999))])
    }
  })
}

// Shows a model's uncertainty: transparent where it is certain, darkest where every class has a probability of a third.
export function renderUncertainty(map) {
  const ramp = new Uint32Array(256)
  for (let p = 0; p < 256; p++) {
    const uncertainty = Math.min(1, (255 - p) / 170)
    const colour = UNCERTAINTY_COLOURS[Math.min(3, Math.floor(uncertainty * 4))]
    ramp[p] = uncertainty < 0.03 ? 0 : toPixelWord(colour, Math.round(90 + 165 * uncertainty))
  }
  return renderCanvas(map.width, map.height, out => {
    for (let i = 0; i < out.length; i++) out[i] = ramp[Math.round(255 * getProbability(map, map.ids[i], i))]
  })
}

// Computes the Dice of nucleus, cytoplasm and cell as wbcseg.metrics does; NaN where neither map has the region.
export function computeDice(map, mask) {
  const shared = [0, 0, 0, 0], sizes = [0, 0, 0, 0]
  for (let i = 0; i < map.ids.length; i++) {
    const a = map.ids[i], b = mask.ids[i]
    sizes[a]++
    sizes[b]++
    if (a === b) shared[a]++
    if (a) sizes[3]++
    if (b) sizes[3]++
    if (a && b) shared[3]++
  }
  const score = region => (sizes[region] ? (2 * shared[region]) / sizes[region] : NaN)
  return { nucleus: score(2), cytoplasm: score(1), cell: score(3) }
}
