import { computeBounds, computeDistanceToEdge, containsPoint, isDark, simplifyPolygon } from "./geometry.js"
import { chooseStep } from "../outlines.js"
import { drawLabels, placeLabels } from "./cell_labels.js"
import { computeHatchPeriod } from "../overlays.js"

// The cells of a field of view as outlines: sharp at any zoom, in the colours of their status, with a dark halo.

// Bright on every stain; the dashes tell the statuses apart without colour.
export const STATUS_STYLES = {
  ok: { colour: "#2ee6a8", dash: [] },
  unfamiliar: { colour: "#8fd0ff", dash: [14, 2] },
  review: { colour: "#ffc233", dash: [9, 3] },
  out_of_range: { colour: "#ff8070", dash: [4, 2.5] },
  "": { colour: "#5fd0ff", dash: [] },
}
const HALO = "rgba(10, 6, 24, 0.72)", LIGHT_HALO = "rgba(255, 255, 255, 0.75)", HIGHLIGHT = "#ffffff", DIMMED = 0.4
// By how much an outline may be off, in pixels of the screen.
const DETAIL = 0.5

export function getStatusStyle(status) {
  return STATUS_STYLES[status ?? ""] ?? STATUS_STYLES[""]
}

export class CellLayer {
  constructor() {
    this.cells = []
    this.selection = new Set()
    this.hovered = null
    this.countedIds = null
    this.region = null
    this.pending = []
    // The types that cells can have, for their labels.
    this.types = []
    this.paths = new WeakMap()
    this.boundsByCell = new WeakMap()
  }

  setCells(cells) {
    this.cells = cells
    const ids = new Set(cells.map(cell => cell.id))
    for (const id of this.selection) if (!ids.has(id)) this.selection.delete(id)
    if (this.hovered && !ids.has(this.hovered)) this.hovered = null
  }

  get(id) {
    return this.cells.find(cell => cell.id === id) ?? null
  }

  getBounds(cell) {
    if (!this.boundsByCell.has(cell)) this.boundsByCell.set(cell, computeBounds(cell.outline))
    return this.boundsByCell.get(cell)
  }

  // Returns the cell at a point: the smallest that contains it, else the nearest whose edge is within `slack` pixels.
  findAt(x, y, slack = 0) {
    const near = this.cells.filter(cell => {
      const { left, top, right, bottom } = this.getBounds(cell)
      return x >= left - slack && x <= right + slack && y >= top - slack && y <= bottom + slack
    })
    const getArea = cell => {
      const { left, top, right, bottom } = this.getBounds(cell)
      return (right - left) * (bottom - top)
    }
    const inside = near.filter(cell => containsPoint(cell.outline, x, y)).sort((a, b) => getArea(a) - getArea(b))
    if (inside.length) return inside[0]
    const distances = near.map(cell => [computeDistanceToEdge(cell.outline, x, y), cell]).filter(([distance]) => distance <= slack)
    return distances.sort((a, b) => a[0] - b[0])[0]?.[1] ?? null
  }

  // Returns the cell after (1) or before (-1) another in the order of their numbers; null at the end.
  findNext(id, step) {
    const ordered = [...this.cells].sort((a, b) => a.number - b.number)
    const index = ordered.findIndex(cell => cell.id === id)
    return (index < 0 ? ordered[step > 0 ? 0 : ordered.length - 1] : ordered[index + step]) ?? null
  }

  // Returns the nearest cell in a direction, preferring those straight ahead; null where there is none.
  findInDirection([x, y], dx, dy, exceptId = null) {
    let best = null, bestCost = Infinity
    for (const cell of this.cells) {
      const ahead = (cell.centroid[0] - x) * dx + (cell.centroid[1] - y) * dy
      const aside = Math.abs((cell.centroid[0] - x) * dy) + Math.abs((cell.centroid[1] - y) * dx)
      const cost = ahead + 2 * aside
      if (cell.id !== exceptId && ahead > 0 && aside <= 2 * ahead && cost < bestCost) [best, bestCost] = [cell, cost]
    }
    return best
  }

  // Returns the median width of the cells in pixels; without cells a tenth of the image's shorter side.
  getTypicalSize({ width, height }) {
    const sizes = this.cells.map(cell => this.getBounds(cell)).map(({ left, right }) => right - left).sort((a, b) => a - b)
    return Math.round(sizes[sizes.length >> 1] ?? Math.min(width, height) / 10)
  }

  // Returns a cell's paths, at no more detail than a scale shows.
  getPaths(cell, scale) {
    const step = chooseStep(scale)
    if (!this.paths.has(cell)) this.paths.set(cell, new Map())
    const pathsByStep = this.paths.get(cell)
    if (!pathsByStep.has(step)) {
      const simplify = polygon => simplifyPolygon(polygon, DETAIL * step)
      const outline = buildPath([simplify(cell.outline)]), nuclei = buildPath(cell.nuclei.map(simplify))
      const cytoplasm = new Path2D(outline)
      cytoplasm.addPath(nuclei)
      pathsByStep.set(step, { outline, nuclei, cytoplasm })
    }
    return pathsByStep.get(step)
  }

  // Draws the cells in view of an image of a size. The context's unit is an image pixel, which is `scale` pixels of the canvas wide.
  draw(context, size, scale, viewport, settings) {
    const ratio = (settings.lineWidth ?? 2) / 2, margin = (24 * ratio) / scale
    const visible = this.cells.filter(cell => {
      const { left, top, right, bottom } = this.getBounds(cell)
      return left - margin < viewport.right && right + margin > viewport.x && top - margin < viewport.bottom && bottom + margin > viewport.y
    })
    const hatches = settings.hatching ? settings.colours.map((colour, id) => makeHatch(context, id, scale)) : []
    if (settings.style !== "outline") for (const cell of visible) this.fill(context, cell, this.getPaths(cell, scale), settings, hatches)
    context.lineJoin = "round"
    for (const cell of visible) this.stroke(context, cell, this.getPaths(cell, scale), settings, ratio / scale)
    drawPending(context, this.pending, this.getTypicalSize(size), ratio / scale)
    if (this.region) drawRegion(context, this.region, viewport, ratio / scale)
    if (settings.numbers) drawLabels(context, placeLabels(visible, scale, viewport, ratio, this), ratio)
  }

  isDimmed(cell) {
    return this.countedIds !== null && !this.countedIds.has(cell.id)
  }

  fill(context, cell, { nuclei, cytoplasm }, { classes, colours, opacity }, hatches) {
    context.globalAlpha = opacity * (this.isDimmed(cell) ? DIMMED : 1)
    for (const [id, path] of [[1, cytoplasm], [2, nuclei]]) {
      if (!classes[id]) continue
      for (const style of [colours[id], hatches[id]]) {
        if (!style) continue
        context.fillStyle = style
        context.fill(path, "evenodd")
      }
    }
    context.globalAlpha = 1
  }

  // Strokes the nucleus in its class colour and the cell in the colour of its status; `unit` is a screen pixel.
  stroke(context, cell, { outline, nuclei }, { classes, colours, style, classOutlines }, unit) {
    const isSelected = this.selection.has(cell.id), isHovered = this.hovered === cell.id
    const { colour, dash } = classOutlines ? { colour: colours[1], dash: [] } : getStatusStyle(cell.status), width = isSelected || isHovered ? 3 : 2
    const line = (path, strokeStyle, lineWidth, pattern = []) => {
      context.strokeStyle = strokeStyle
      context.lineWidth = lineWidth * unit
      context.setLineDash(pattern.map(length => length * unit))
      context.stroke(path)
    }
    context.globalAlpha = this.isDimmed(cell) && !isSelected ? DIMMED : 1
    if (classes[2] && style !== "fill") {
      line(nuclei, isDark(colours[2]) ? LIGHT_HALO : HALO, 2.8)
      line(nuclei, colours[2], 1.3)
    }
    if (isSelected) {
      line(outline, HALO, width + 6)
      line(outline, HIGHLIGHT, width + 4)
    }
    line(outline, isDark(colour) ? LIGHT_HALO : HALO, width + 2)
    line(outline, colour, width, cell.isPending ? [2, 4] : dash)
    context.setLineDash([])
    context.globalAlpha = 1
  }
}

// Draws where cells are being added and split.
function drawPending(context, edits, cellSize, unit) {
  for (const { kind, points, box } of edits) {
    const path = new Path2D()
    if (kind === "add_point") path.arc(...points[0], cellSize / 2, 0, 2 * Math.PI)
    if (kind === "add_box") path.rect(box[0], box[1], box[2] - box[0], box[3] - box[1])
    if (kind === "split") points.forEach(([x, y]) => path.lineTo(x, y))
    strokeWithHalo(context, path, unit, { dash: [5, 4] })
  }
}

// Strokes a path in white with a dark halo; `unit` is a screen pixel.
export function strokeWithHalo(context, path, unit, { dash = [], width = 1.8 } = {}) {
  context.save()
  context.lineJoin = context.lineCap = "round"
  for (const [colour, lineWidth, pattern] of [[HALO, width + 2.4, []], [HIGHLIGHT, width, dash]]) {
    context.strokeStyle = colour
    context.lineWidth = lineWidth * unit
    context.setLineDash(pattern.map(length => length * unit))
    context.stroke(path)
  }
  context.restore()
}

// Darkens what is outside of the region.
function drawRegion(context, region, viewport, unit) {
  const path = buildPath([region]), outside = new Path2D(path)
  outside.rect(viewport.x, viewport.y, viewport.right - viewport.x, viewport.bottom - viewport.y)
  context.fillStyle = "rgba(10, 6, 24, 0.3)"
  context.fill(outside, "evenodd")
  strokeWithHalo(context, path, unit, { dash: [7, 5] })
}

function buildPath(polygons) {
  const path = new Path2D()
  for (const polygon of polygons) {
    polygon.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)))
    path.closePath()
  }
  return path
}

// Returns the hatching of a class as a pattern that keeps its size on the screen.
function makeHatch(context, id, scale) {
  const period = computeHatchPeriod(1, 1) * 2, tile = new OffscreenCanvas(period, period), tileContext = tile.getContext("2d")
  tileContext.strokeStyle = "rgba(0, 0, 0, 0.6)"
  tileContext.lineWidth = 1.5
  for (const shift of [-period, 0, period]) {
    if (id !== 0) (tileContext.moveTo(shift, period), tileContext.lineTo(shift + period, 0))
    if (id === 2) (tileContext.moveTo(shift, 0), tileContext.lineTo(shift + period, period))
  }
  tileContext.stroke()
  const pattern = context.createPattern(tile, "repeat")
  pattern.setTransform(new DOMMatrix().scale(1 / scale))
  return pattern
}
