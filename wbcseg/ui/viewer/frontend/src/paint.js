// Painting on class ids, without the screen. Every function returns the indices of the pixels that it would set.

// The pixels of a disc of a diameter, along a line from a to b.
export function disc(width, height, a, b, diameter) {
  const found = new Set(), r = diameter / 2, steps = Math.max(1, Math.ceil(Math.hypot(b.x - a.x, b.y - a.y)))
  for (let k = 0; k <= steps; k++) {
    const cx = a.x + ((b.x - a.x) * k) / steps, cy = a.y + ((b.y - a.y) * k) / steps
    for (let y = Math.max(0, Math.floor(cy - r)); y <= Math.min(height - 1, Math.floor(cy + r)); y++) {
      for (let x = Math.max(0, Math.floor(cx - r)); x <= Math.min(width - 1, Math.floor(cx + r)); x++) {
        const inside = Math.hypot(x + 0.5 - cx, y + 0.5 - cy) <= r
        if (inside || (x === Math.floor(cx) && y === Math.floor(cy))) found.add(y * width + x)
      }
    }
  }
  return found
}

// The pixels whose middle lies in a polygon (even-odd rule).
export function polygon(width, height, points) {
  const found = new Set()
  const ys = points.map(p => p.y), top = Math.max(0, Math.floor(Math.min(...ys))), bottom = Math.min(height - 1, Math.ceil(Math.max(...ys)))
  for (let y = top; y <= bottom; y++) {
    const middle = y + 0.5, cuts = []
    points.forEach((p, i) => {
      const q = points[(i + 1) % points.length]
      if (p.y <= middle !== q.y <= middle) cuts.push(p.x + ((middle - p.y) * (q.x - p.x)) / (q.y - p.y))
    })
    cuts.sort((a, b) => a - b)
    for (let k = 0; k + 1 < cuts.length; k += 2) {
      const from = Math.max(0, Math.ceil(cuts[k] - 0.5)), to = Math.min(width - 1, Math.ceil(cuts[k + 1] - 0.5) - 1)
      for (let x = from; x <= to; x++) found.add(y * width + x)
    }
  }
  return found
}

// The pixels of the same class that hang together with the one at (x, y), side by side.
export function flood(ids, width, height, x, y) {
  const start = y * width + x, kind = ids[start], found = new Set([start]), open = [start]
  while (open.length) {
    const i = open.pop(), column = i % width
    const near = [column > 0 ? i - 1 : -1, column < width - 1 ? i + 1 : -1, i - width, i + width]
    for (const j of near) {
      if (j >= 0 && j < ids.length && ids[j] === kind && !found.has(j)) {
        found.add(j)
        open.push(j)
      }
    }
  }
  return found
}

// Changes with undo and redo. A change is the pixels, what they were, and what they became.
export class History {
  constructor(map) {
    this.map = map
    this.done = []
    this.undone = []
  }

  // Sets pixels to a class; several calls between begin() and end() are one change.
  begin() {
    this.open = new Map()
  }

  set(pixels, id) {
    const { ids, cytoplasm, nucleus } = this.map
    for (const i of pixels) {
      if (ids[i] === id) continue
      if (!this.open.has(i)) this.open.set(i, ids[i])
      ids[i] = id
      if (cytoplasm) {
        cytoplasm[i] = id === 1 ? 255 : 0
        nucleus[i] = id === 2 ? 255 : 0
      }
    }
  }

  end() {
    const pixels = Uint32Array.from(this.open.keys()), before = Uint8Array.from(this.open.values())
    this.open = null
    if (!pixels.length) return false
    this.done.push({ pixels, before, after: pixels.reduce((all, i, k) => ((all[k] = this.map.ids[i]), all), new Uint8Array(pixels.length)) })
    this.undone = []
    return true
  }

  back() {
    return this.step(this.done, this.undone, "before")
  }

  again() {
    return this.step(this.undone, this.done, "after")
  }

  step(from, to, which) {
    const change = from.pop()
    if (!change) return false
    change.pixels.forEach((i, k) => {
      const id = change[which][k]
      this.map.ids[i] = id
      if (this.map.cytoplasm) {
        this.map.cytoplasm[i] = id === 1 ? 255 : 0
        this.map.nucleus[i] = id === 2 ? 255 : 0
      }
    })
    to.push(change)
    return true
  }
}

// Class ids as runs: "3x0,2x1,…". Small, and plain text for the way to Python.
export function runLengths(ids) {
  const runs = []
  for (let i = 0; i < ids.length; ) {
    let j = i
    while (j < ids.length && ids[j] === ids[i]) j++
    runs.push(`${j - i}x${ids[i]}`)
    i = j
  }
  return runs.join(",")
}

export function fromRunLengths(text, count) {
  const ids = new Uint8Array(count)
  let at = 0
  for (const run of text.split(",")) {
    const [length, id] = run.split("x").map(Number)
    if (!(length > 0) || !(id >= 0 && id <= 2) || at + length > count) return null
    ids.fill(id, at, at + length)
    at += length
  }
  return at === count ? ids : null
}

// A grey PNG of 8 bits.
export async function greyPng(width, height, pixels) {
  const rows = new Uint8Array((width + 1) * height)
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1)
  const stream = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"))
  const body = new Uint8Array(await new Response(stream).arrayBuffer())
  const head = new Uint8Array(13), view = new DataView(head.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  head[8] = 8
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
  return new Blob([signature, chunk("IHDR", head), chunk("IDAT", body), chunk("IEND", new Uint8Array())], { type: "image/png" })
}

function chunk(type, body) {
  const out = new Uint8Array(body.length + 12), view = new DataView(out.buffer)
  view.setUint32(0, body.length)
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i)
  out.set(body, 8)
  view.setUint32(body.length + 8, crc(out.subarray(4, body.length + 8)))
  return out
}

export function crc(bytes) {
  let c = 0xffffffff
  for (const byte of bytes) {
    c ^= byte
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  }
  return (c ^ 0xffffffff) >>> 0
}
