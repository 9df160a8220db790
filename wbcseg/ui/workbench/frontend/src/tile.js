import { TILE_SIDE, getBitmap, getOutlines, getPayload } from "./cell_store.js"

// Colours of outlines on the image: bright on every stain, over a dark halo.
const CELL_COLOUR = "#f4f1de", NUCLEUS_COLOUR = "#7cd4ff", HALO = "rgb(10 8 20 / 55%)"

// Draws a cell into a canvas of `side` pixels; `square` is the side of the square that the canvas shows, in pixels of the
// image. Returns whether its image was there.
export function drawTile(canvas, cell, sheetDigests, { side, square, outlines, large = null }) {
  if (canvas.width !== side || canvas.height !== side) Object.assign(canvas, { width: side, height: side })
  const context = canvas.getContext("2d"), sheet = getPayload(sheetDigests[cell.sheet])
  const shown = Math.min(1.6, cell.square / square) * side, offset = (side - shown) / 2
  context.clearRect(0, 0, side, side)
  const bitmap = getBitmap(sheet), largeBitmap = getBitmap(large)
  context.imageSmoothingQuality = "high"
  if (largeBitmap) context.drawImage(largeBitmap, offset, offset, shown, shown)
  else if (bitmap) {
    const x = (cell.slot % sheet.columns) * TILE_SIDE, y = Math.floor(cell.slot / sheet.columns) * TILE_SIDE
    context.drawImage(bitmap, x, y, TILE_SIDE, TILE_SIDE, offset, offset, shown, shown)
  }
  if (outlines && sheet) drawOutlines(context, getOutlines(sheet, cell.slot), offset, shown, side)
  return Boolean(largeBitmap ?? bitmap)
}

function drawOutlines(context, { cell, nuclei }, offset, shown, side) {
  const width = Math.max(1, side / 110)
  context.lineJoin = "round"
  for (const [ring, colour] of [...nuclei.map(ring => [ring, NUCLEUS_COLOUR]), [cell, CELL_COLOUR]]) {
    if (ring.length < 3) continue
    tracePath(context, ring.map(([x, y]) => [offset + x * shown, offset + y * shown]))
    context.lineWidth = 2.6 * width
    context.strokeStyle = HALO
    context.stroke()
    context.lineWidth = 1.3 * width
    context.strokeStyle = colour
    context.stroke()
  }
}

// Traces a ring through the middles of its sides, round at its corners.
function tracePath(context, ring) {
  const middle = i => [(ring[i][0] + ring[(i + 1) % ring.length][0]) / 2, (ring[i][1] + ring[(i + 1) % ring.length][1]) / 2]
  context.beginPath()
  context.moveTo(...middle(ring.length - 1))
  ring.forEach((corner, i) => context.quadraticCurveTo(...corner, ...middle(i)))
  context.closePath()
}
