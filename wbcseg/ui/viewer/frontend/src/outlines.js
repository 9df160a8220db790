import { HIDDEN } from "./overlays.js"

// Outlines of the visible classes as paths between pixels: sharp at any zoom, and fast on large images, because only
// what is in view is drawn, at no more detail than the screen shows.

export const TILE_SIZE = 256

export class Outlines {
  constructor(width, height, visibleIds) {
    Object.assign(this, { width, height, visibleIds, tilesByStep: new Map() })
  }

  // Draws the outlines with a dark rim, so that they are visible on light and dark ground. The context's unit is an image
  // pixel, which is `scale` screen pixels wide; `viewport` is the part of the image that is in view.
  draw(context, scale, viewport, colours, lineWidth) {
    const step = chooseStep(scale), rim = (lineWidth + 1) / scale
    const tiles = this.getTiles(step).filter(tile => intersects(tile, viewport, rim))
    context.save()
    context.scale(step, step)
    context.lineCap = "square"
    for (const [strokeColours, widthFactor] of [[null, 1.8], [colours, 1]]) {
      context.lineWidth = (lineWidth * widthFactor) / (scale * step)
      for (const tile of tiles) {
        tile.paths.forEach((path, id) => {
          if (!path) return
          context.strokeStyle = strokeColours ? strokeColours[id] : "rgba(0, 0, 0, 0.55)"
          context.stroke(path)
        })
      }
    }
    context.restore()
  }

  // Returns the paths by tile, computed from every step-th pixel.
  getTiles(step) {
    if (!this.tilesByStep.has(step)) this.tilesByStep.set(step, buildTiles(...this.subsample(step), step))
    return this.tilesByStep.get(step)
  }

  subsample(step) {
    if (step === 1) return [this.width, this.height, this.visibleIds]
    const width = Math.max(1, Math.floor(this.width / step)), height = Math.max(1, Math.floor(this.height / step))
    const out = new Uint8Array(width * height), half = step >> 1
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) out[i] = this.visibleIds[(y * step + half) * this.width + x * step + half]
    }
    return [width, height, out]
  }
}

// Returns how many image pixels to take as one, so that one covers about 0.75 to 1.5 screen pixels.
export function chooseStep(scale) {
  let step = 1
  while (scale * step * 2 <= 1.5) step *= 2
  return step
}

function intersects(tile, viewport, rim) {
  return (
    tile.x - rim < viewport.right && tile.y - rim < viewport.bottom &&
    tile.right + rim > viewport.x && tile.bottom + rim > viewport.y
  )
}

function buildTiles(width, height, visibleIds, step) {
  const columns = Math.ceil(width / TILE_SIZE), tiles = []
  for (let y = 0; y < height; y += TILE_SIZE) {
    for (let x = 0; x < width; x += TILE_SIZE) {
      const right = (x + TILE_SIZE) * step, bottom = (y + TILE_SIZE) * step
      tiles.push({ x: x * step, y: y * step, right, bottom, paths: [null, null, null] })
    }
  }
  forEachEdge(width, height, visibleIds, (id, x1, y1, x2, y2) => {
    const tile = tiles[Math.floor(y1 / TILE_SIZE) * columns + Math.floor(x1 / TILE_SIZE)]
    const path = (tile.paths[id] ??= new Path2D())
    path.moveTo(x1, y1)
    path.lineTo(x2, y2)
  })
  return tiles.filter(tile => tile.paths.some(Boolean))
}

// Calls draw(id, x1, y1, x2, y2) for every straight piece of an outline; none extends beyond a tile. Where two classes
// meet, the inner one has the outline: nucleus before cytoplasm before background.
export function forEachEdge(width, height, visibleIds, draw) {
  const rank = id => (id === HIDDEN ? -1 : id)
  const rankAt = (x, y) => rank(visibleIds[y * width + x])
  const getOwner = (a, b) => (a === b ? -1 : Math.max(a, b))
  for (let y = 1; y < height; y++) {
    forEachRun(width, x => getOwner(rankAt(x, y - 1), rankAt(x, y)), (id, from, to) => draw(id, from, y, to, y))
  }
  for (let x = 1; x < width; x++) {
    forEachRun(height, y => getOwner(rankAt(x - 1, y), rankAt(x, y)), (id, from, to) => draw(id, x, from, x, to))
  }
}

// Calls draw(owner, from, to) for every run of equal owners other than -1; no run crosses a tile border.
function forEachRun(length, getOwnerAt, draw) {
  let from = 0, previous = -1
  for (let i = 0; i <= length; i++) {
    const owner = i < length ? getOwnerAt(i) : -1
    if (owner === previous && i % TILE_SIZE) continue
    if (previous >= 0) draw(previous, from, i)
    from = i
    previous = owner
  }
}
