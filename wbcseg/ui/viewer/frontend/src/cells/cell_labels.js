// The numbers of the cells: of constant size on the screen, beside cells that are too small for them, never on each other.

const FONT_SIZE = 13, PADDING = 3, MIN_ROOM = 1.7
const FONT = "system-ui, sans-serif"

// Returns where the numbers go, in pixels of the canvas: {text, x, y, width, height, isPerson, isStrong}, by centre.
// Selected and hovered cells come first; a number that would cover another is left out.
export function placeLabels(cells, scale, viewport, ratio, layer) {
  const height = (FONT_SIZE + 2 * PADDING) * ratio, placed = []
  const isStrong = cell => layer.selection.has(cell.id) || layer.hovered === cell.id
  for (const cell of [...cells].sort((a, b) => isStrong(b) - isStrong(a))) {
    const text = String(cell.number), width = (0.62 * FONT_SIZE * text.length + 2 * PADDING + 2) * ratio
    const { left, top, right, bottom } = layer.getBounds(cell)
    let x = (cell.centroid[0] - viewport.x) * scale, y = (cell.centroid[1] - viewport.y) * scale
    const hasRoom = Math.min(right - left, bottom - top) * scale > MIN_ROOM * Math.max(width, height)
    if (!hasRoom) {
      x = (right - viewport.x) * scale + width * 0.4
      y = (top - viewport.y) * scale - height * 0.1
    }
    // At the image's edge a number stays in view with its cell.
    x = clamp(x, width / 2, (viewport.right - viewport.x) * scale - width / 2)
    y = clamp(y, height / 2, (viewport.bottom - viewport.y) * scale - height / 2)
    const label = { text, x, y, width, height, isPerson: cell.origin === "person", isStrong: isStrong(cell), isDimmed: layer.isDimmed(cell) }
    if (label.isStrong || !placed.some(other => overlaps(label, other))) placed.push(label)
  }
  return placed
}

function clamp(value, min, max) {
  return Math.min(Math.max(value, min), Math.max(min, max))
}

function overlaps(a, b) {
  return Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2
}

// Draws the numbers: white on dark, the other way round where a person added or changed the cell.
export function drawLabels(context, labels, ratio) {
  context.save()
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.font = `600 ${FONT_SIZE * ratio}px ${FONT}`
  context.textAlign = "center"
  context.textBaseline = "middle"
  for (const { text, x, y, width, height, isPerson, isStrong, isDimmed } of labels) {
    const isInverse = isPerson !== isStrong
    context.globalAlpha = isDimmed && !isStrong ? 0.55 : 1
    context.fillStyle = isInverse ? "rgba(255, 255, 255, 0.94)" : "rgba(18, 12, 36, 0.74)"
    context.beginPath()
    context.roundRect(x - width / 2, y - height / 2, width, height, height / 2)
    context.fill()
    context.fillStyle = isInverse ? "#16122a" : "#ffffff"
    context.fillText(text, x, y + 0.06 * height)
  }
  context.restore()
}
