// The labels of the cells: their number and, where they have one, their type. Of constant size on the screen, beside cells
// that are too small for them, never on each other.

import { isDark } from "./geometry.js"

const FONT_SIZE = 13, SMALL_FONT_SIZE = 11, PADDING = 3, MIN_ROOM = 1.7, SWATCH_WIDTH = 7
const FONT = "system-ui, sans-serif", MAX_SPRITES = 2000, MAX_AVOIDED = 300

// Returns where the labels go, in pixels of the canvas, by their centre: {text, type, x, y, width, height, fontSize, …}.
// Selected and hovered cells come first. A label with a type is above or below its cell, where it covers no other cell; else
// it has the colour of the type only, without the name. One that would cover another label is left out.
export function placeLabels(cells, scale, viewport, ratio, layer) {
  const placed = []
  const isStrong = cell => layer.selection.has(cell.id) || layer.hovered === cell.id
  for (const cell of [...cells].sort((a, b) => isStrong(b) - isStrong(a))) {
    const type = layer.types?.[cell.type], isFree = label => !placed.some(other => overlaps(label, other))
    const place = (name, isBelow = false) => placeLabel(cell, name, type, isBelow, scale, viewport, ratio, layer, isStrong(cell))
    const labels = (type ? [place(type.short), place(type.short, true), place("")] : [place(null)]).filter(isFree)
    const coversNone = label => cells.length > MAX_AVOIDED || !cells.some(other => other !== cell && covers(label, layer.getBounds(other), scale, viewport))
    const label = (type && labels.find(coversNone)) ?? labels.at(-1) ?? (isStrong(cell) ? place(type?.short ?? null) : null)
    if (label) placed.push(label)
  }
  return placed
}

// Whether a label lies on a box of the image.
function covers({ x, y, width, height }, { left, top, right, bottom }, scale, viewport) {
  const box = { x: ((left + right) / 2 - viewport.x) * scale, y: ((top + bottom) / 2 - viewport.y) * scale, width: (right - left) * scale, height: (bottom - top) * scale }
  return overlaps({ x, y, width, height }, box)
}

// A number alone is in its cell; with a type, it would hide too much of it.
function placeLabel(cell, name, type, isBelow, scale, viewport, ratio, layer, isStrong) {
  const text = String(cell.number), { left, top, right, bottom } = layer.getBounds(cell)
  const computeWidth = (content, size, perLetter = 0.62) => (perLetter * size * content.length + 2 * PADDING + 2) * ratio
  const hasRoom = Math.min(right - left, bottom - top) * scale > MIN_ROOM * Math.max(computeWidth(text, FONT_SIZE), FONT_SIZE * ratio)
  const fontSize = hasRoom || isStrong ? FONT_SIZE : SMALL_FONT_SIZE
  const numberWidth = computeWidth(text, fontSize), typeWidth = name === null ? 0 : name ? computeWidth(name, fontSize, 0.68) : SWATCH_WIDTH * ratio
  const width = numberWidth + typeWidth, height = (fontSize + 2 * PADDING) * ratio
  let x = (cell.centroid[0] - viewport.x) * scale, y = (cell.centroid[1] - viewport.y) * scale
  if (type) {
    x = ((left + right) / 2 - viewport.x) * scale
    y = isBelow ? (bottom - viewport.y) * scale + height * 0.6 : (top - viewport.y) * scale - height * 0.6
  } else if (!hasRoom) {
    x = (right - viewport.x) * scale + width * 0.4
    y = (top - viewport.y) * scale - height * 0.1
  }
  // At the image's edge a label stays in view with its cell.
  x = clamp(x, width / 2, (viewport.right - viewport.x) * scale - width / 2)
  y = clamp(y, height / 2, (viewport.bottom - viewport.y) * scale - height / 2)
  const look = { isPerson: cell.origin === "person", isStrong, isDimmed: layer.isDimmed(cell) }
  return { text, name, colour: type?.colour ?? null, x, y, width, numberWidth, height, fontSize, ...look }
}

function clamp(value, min, max) {
  return Math.min(Math.max(value, min), Math.max(min, max))
}

function overlaps(a, b) {
  return Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2
}

// Drawn once each: text is slow to draw.
const sprites = new Map()

// Draws the labels: numbers white on dark, the other way round where a person added or changed the cell; types in their colour.
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

function getSprite(label, isInverse, ratio) {
  const { text, name, colour, fontSize } = label, key = [text, name, colour, fontSize, isInverse, ratio].join()
  if (!sprites.has(key)) {
    if (sprites.size >= MAX_SPRITES) sprites.clear()
    sprites.set(key, drawSprite(label, fontSize * ratio, isInverse))
  }
  return sprites.get(key)
}

function drawSprite({ text, name, colour, width, numberWidth, height }, fontSize, isInverse) {
  const canvas = new OffscreenCanvas(Math.ceil(width), Math.ceil(height)), context = canvas.getContext("2d"), middle = 0.55 * canvas.height
  context.font = `600 ${fontSize}px ${FONT}`
  context.textAlign = "center"
  context.textBaseline = "middle"
  context.beginPath()
  context.roundRect(0, 0, canvas.width, canvas.height, canvas.height / 2)
  context.clip()
  context.fillStyle = isInverse ? "rgba(255, 255, 255, 0.94)" : "rgba(18, 12, 36, 0.74)"
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.fillStyle = isInverse ? "#16122a" : "#ffffff"
  context.fillText(text, numberWidth / 2, middle)
  if (!colour) return canvas
  context.fillStyle = colour
  context.fillRect(numberWidth, 0, canvas.width - numberWidth, canvas.height)
  context.fillStyle = isDark(colour) ? "#ffffff" : "#16122a"
  context.fillText(name, (numberWidth + canvas.width) / 2 - 1, middle)
  return canvas
}
