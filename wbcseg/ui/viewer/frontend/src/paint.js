// Painting on class ids, independent of the screen. The rasterize functions return the indices of the pixels to set.

// Rasterizes a brush stroke: a disc of the given diameter, moved from point a to point b.
export function rasterizeStroke(width, height, a, b, diameter) {
  const pixels = new Set(), radius = diameter / 2, steps = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y)))
  for (let k = 0; k <= steps; k++) {
    const cx = a.x + ((b.x - a.x) * k) / steps, cy = a.y + ((b.y - a.y) * k) / steps
    for (let y = Math.max(0, Math.floor(cy - radius)); y <= Math.min(height - 1, Math.floor(cy + radius)); y++) {
      for (let x = Math.max(0, Math.floor(cx - radius)); x <= Math.min(width - 1, Math.floor(cx + radius)); x++) {
        const isInside = Math.hypot(x + 0.5 - cx, y + 0.5 - cy) <= radius
        if (isInside || (x === Math.floor(cx) && y === Math.floor(cy))) pixels.add(y * width + x)
      }
    }
  }
  return pixels
}

// Rasterizes a polygon: the pixels whose centre lies inside it (even-odd rule).
export function rasterizePolygon(width, height, points) {
  const pixels = new Set(), ys = points.map(p => p.y)
  const top = Math.max(0, Math.floor(Math.min(...ys))), bottom = Math.min(height - 1, Math.ceil(Math.max(...ys)))
  for (let y = top; y <= bottom; y++) {
    const centre = y + 0.5, crossings = []
    points.forEach((p, i) => {
      const q = points[(i + 1) % points.length]
      if (p.y <= centre !== q.y <= centre) crossings.push(p.x + ((centre - p.y) * (q.x - p.x)) / (q.y - p.y))
    })
    crossings.sort((a, b) => a - b)
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const from = Math.max(0, Math.ceil(crossings[k] - 0.5)), to = Math.min(width - 1, Math.ceil(crossings[k + 1] - 0.5) - 1)
      for (let x = from; x <= to; x++) pixels.add(y * width + x)
    }
  }
  return pixels
}

// Returns the pixels of the same class that are connected to (x, y) by their sides.
export function floodFill(ids, width, height, x, y) {
  const start = y * width + x, id = ids[start], pixels = new Set([start]), stack = [start]
  while (stack.length) {
    const i = stack.pop(), column = i % width
    const neighbours = [column > 0 ? i - 1 : -1, column < width - 1 ? i + 1 : -1, i - width, i + width]
    for (const j of neighbours) {
      if (j >= 0 && j < ids.length && ids[j] === id && !pixels.has(j)) {
        pixels.add(j)
        stack.push(j)
      }
    }
  }
  return pixels
}

// Sets the class of a pixel; an edited pixel is certain.
function setClass(map, i, id) {
  map.ids[i] = id
  if (!map.cytoplasm) return
  map.cytoplasm[i] = id === 1 ? 255 : 0
  map.nucleus[i] = id === 2 ? 255 : 0
}

// Edits of a map with undo and redo. A change is a list of pixels with their classes before and after.
export class History {
  constructor(map) {
    this.map = map
    this.undoStack = []
    this.redoStack = []
  }

  get canUndo() {
    return this.undoStack.length > 0
  }

  get canRedo() {
    return this.redoStack.length > 0
  }

  // All calls of set() between begin() and end() are one change.
  begin() {
    this.open = new Map()
  }

  set(pixels, id) {
    for (const i of pixels) {
      if (this.map.ids[i] === id) continue
      if (!this.open.has(i)) this.open.set(i, this.map.ids[i])
      setClass(this.map, i, id)
    }
  }

  // Returns whether anything has changed.
  end() {
    const pixels = Uint32Array.from(this.open.keys()), before = Uint8Array.from(this.open.values())
    this.open = null
    if (!pixels.length) return false
    const after = new Uint8Array(pixels.length)
    pixels.forEach((i, k) => (after[k] = this.map.ids[i]))
    this.undoStack.push({ pixels, before, after })
    this.redoStack = []
    return true
  }

  undo() {
    return this.apply(this.undoStack, this.redoStack, "before")
  }

  redo() {
    return this.apply(this.redoStack, this.undoStack, "after")
  }

  apply(from, to, which) {
    const change = from.pop()
    if (!change) return false
    change.pixels.forEach((i, k) => setClass(this.map, i, change[which][k]))
    to.push(change)
    return true
  }
}

// Writes class ids as run lengths, "3x0,2x1,…": short, and plain text for Python and for the session storage.
export function encodeRle(ids) {
  const runs = []
  for (let from = 0; from < ids.length; ) {
    let to = from
    while (to < ids.length && ids[to] === ids[from]) to++
    runs.push(`${to - from}x${ids[from]}`)
    from = to
  }
  return runs.join(",")
}

// Reads class ids from run lengths; null where they are not valid.
export function decodeRle(text, count) {
  const ids = new Uint8Array(count)
  let offset = 0
  for (const run of text.split(",")) {
    const [length, id] = run.split("x").map(Number)
    if (!(length > 0) || !(id >= 0 && id <= 2) || offset + length > count) return null
    ids.fill(id, offset, offset + length)
    offset += length
  }
  return offset === count ? ids : null
}
