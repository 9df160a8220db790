// The borders of the shown classes as paths between pixels: crisp at any zoom, and quick on large pictures, as only what
// is in sight is drawn, and no finer than a screen shows.

const TILE = 256

export class Outlines {
  constructor(width, height, shown) {
    Object.assign(this, { width, height, shown, levels: new Map() })
  }

  // Draws them with a dark rim, so that they show on light and dark ground alike. The context's unit is the picture's
  // pixel, of which one takes s on the screen; sight is what of the picture is in view.
  stroke(context, s, sight, colours, line) {
    let step = 1
    while (s * step * 2 <= 1.5) step *= 2
    const { x, y, right, bottom } = sight, rim = (line + 1) / s
    const near = this.tiles(step).filter(tile => tile.x - rim < right && tile.y - rim < bottom && tile.right + rim > x && tile.bottom + rim > y)
    context.save()
    context.scale(step, step)
    context.lineCap = "square"
    for (const [own, share] of [[null, 1.8], [colours, 1]]) {
      context.lineWidth = (line * share) / (s * step)
      for (const tile of near) {
        tile.paths.forEach((path, id) => {
          if (!path) return
          context.strokeStyle = own ? own[id] : "rgba(0, 0, 0, 0.55)"
          context.stroke(path)
        })
      }
    }
    context.restore()
  }

  // The paths by tiles, of every step-th pixel.
  tiles(step) {
    if (!this.levels.has(step)) this.levels.set(step, tilesOf(...this.thinned(step), step))
    return this.levels.get(step)
  }

  thinned(step) {
    if (step === 1) return [this.width, this.height, this.shown]
    const width = Math.max(1, Math.floor(this.width / step)), height = Math.max(1, Math.floor(this.height / step))
    const out = new Uint8Array(width * height), half = step >> 1
    for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) out[i] = this.shown[(y * step + half) * this.width + x * step + half]
    return [width, height, out]
  }
}

function tilesOf(width, height, shown, step) {
  const across = Math.ceil(width / TILE), tiles = []
  for (let y = 0; y < height; y += TILE) {
    for (let x = 0; x < width; x += TILE) {
      tiles.push({ x: x * step, y: y * step, right: (x + TILE) * step, bottom: (y + TILE) * step, paths: [null, null, null] })
    }
  }
  const add = (id, x1, y1, x2, y2) => {
    const tile = tiles[Math.floor(y1 / TILE) * across + Math.floor(x1 / TILE)]
    const path = (tile.paths[id] ??= new Path2D())
    path.moveTo(x1, y1)
    path.lineTo(x2, y2)
  }
  // At a border the class that lies inside counts: nucleus before cytoplasm before background.
  const rank = id => (id === 255 ? -1 : id)
  const at = (x, y) => rank(shown[y * width + x])
  const side = (a, b) => (a === b ? -1 : Math.max(a, b))
  for (let y = 1; y < height; y++) runs(width, x => side(at(x, y - 1), at(x, y)), (id, a, b) => add(id, a, y, b, y))
  for (let x = 1; x < width; x++) runs(height, y => side(at(x - 1, y), at(x, y)), (id, a, b) => add(id, x, a, x, b))
  return tiles.filter(tile => tile.paths.some(Boolean))
}

// Calls draw(id, from, to) for every run of equal sides that is not -1; no run goes beyond a tile.
function runs(length, side, draw) {
  let from = 0, was = -1
  for (let i = 0; i <= length; i++) {
    const now = i < length ? side(i) : -1
    if (now === was && i % TILE) continue
    if (was >= 0) draw(was, from, i)
    from = i
    was = now
  }
}
