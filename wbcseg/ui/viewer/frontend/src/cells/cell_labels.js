// The numbers of the cells: of constant size on the screen, beside cells that are too small for them, never on each other.

const FONT_SIZE = 13, SMALL_FONT_SIZE = 11, PADDING = 3, MIN_ROOM = 1.7
const FONT = "system-ui, sans-serif", MAX_SPRITES = 2000

// Returns where the numbers go, in pixels of the canvas, by their centre: {text, x, y, width, height, fontSize, …}.
// Selected and hovered cells come first; a number that would cover another is left out.
export function placeLabels(cells, scale, viewport, ratio, layer) {
  const placed = []
  const isStrong = cell => layer.selection.has(cell.id) || layer.hovered === cell.id
  for (const cell of [...cells].sort((a, b) => isStrong(b) - isStrong(a))) {
    const text = String(cell.number), { left, top, right, bottom } = layer.getBounds(cell)
    const computeWidth = size => (0.62 * size * text.length + 2 * PADDING + 2) * ratio
    const hasRoom = Math.min(right - left, bottom - top) * scale > MIN_ROOM * Math.max(computeWidth(FONT_SIZE), FONT_SIZE * ratio)
    const fontSize = hasRoom || isStrong(cell) ? FONT_SIZE : SMALL_FONT_SIZE
    const width = computeWidth(fontSize), height = (fontSize + 2 * PADDING) * ratio
    let x = (cell.centroid[0] - viewport.x) * scale, y = (cell.centroid[1] - viewport.y) * scale
    if (!hasRoom) {
      x = (right - viewport.x) * scale + width * 0.4
      y = (top - viewport.y) * scale - height * 0.1
    }
    // At the image's edge a number stays in view with its cell.
    x = clamp(x, width / 2, (viewport.right - viewport.x) * scale - width / 2)
    y = clamp(y, height / 2, (viewport.bottom - viewport.y) * scale - height / 2)
    const label = { text, x, y, width, height, fontSize, isPerson: cell.origin === "person", isStrong: isStrong(cell), isDimmed: layer.isDimmed(cell) }
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

// Drawn once each: text is slow to draw.
const sprites = new Map()

// Draws the numbers: white on dark, the other way round where a person added or changed the cell.
export function drawLabels(context, labels, ratio) {
  context.save()
  context.setTransform(1, 0, 0, 1, 0, 0)
  for (const label of labels) {
    const sprite = getSprite(label, label.isPerson !== label.isStrong, ratio)
    context.globalAlpha = label.isDimmed && !label.isStrong ? 0.55 : 1
    context.drawImage(sprite, Math.round(label.x - sprite.width / 2), Math.round(label.y - sprite.height / 2))
  }
  context.restore()
}

function getSprite({ text, width, height, fontSize }, isInverse, ratio) {
  const key = `${text} ${fontSize} ${isInverse} ${ratio}`
  if (!sprites.has(key)) {
    if (sprites.size >= MAX_SPRITES) sprites.clear()
    sprites.set(key, drawSprite(text, Math.ceil(width), Math.ceil(height), fontSize * ratio, isInverse))
  }
  return sprites.get(key)
}

function drawSprite(text, width, height, fontSize, isInverse) {
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d")
  context.font = `600 ${fontSize}px ${FONT}`
  context.textAlign = "center"
  context.textBaseline = "middle"
  context.fillStyle = isInverse ? "rgba(255, 255, 255, 0.94)" : "rgba(18, 12, 36, 0.74)"
  context.beginPath()
  context.roundRect(0, 0, width, height, height / 2)
  context.fill()
  context.fillStyle = isInverse ? "#16122a" : "#ffffff"
  context.fillText(text, width / 2, 0.55 * height)
  return canvas
}
