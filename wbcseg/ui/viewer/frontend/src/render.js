// Drawing one panel. The same code draws the screen and saved figures.

// Centres the canvas on the image point (view.x, view.y). Returns the scale: screen pixels per image pixel.
export function setViewTransform(context, size, image, view) {
  const scale = Math.min(size.width / image.width, size.height / image.height) * view.scale
  context.setTransform(scale, 0, 0, scale, size.width / 2 - view.x * scale, size.height / 2 - view.y * scale)
  return scale
}

// Returns the part of the image that is in view.
export function computeViewport(size, view, scale) {
  const x = view.x - size.width / 2 / scale, y = view.y - size.height / 2 / scale
  return { x, y, right: x + size.width / scale, bottom: y + size.height / scale }
}

export function drawPanel(context, size, panel, view, settings) {
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.clearRect(0, 0, size.width, size.height)
  const scale = setViewTransform(context, size, panel.image, view)
  context.imageSmoothingEnabled = scale < 1
  if (panel.image.draw) panel.image.draw(context, scale, computeViewport(size, view, scale))
  else context.drawImage(panel.image, 0, 0)
  if (settings.hidden) return
  for (const layer of panel.layers ?? []) {
    if (layer.fill) {
      context.globalAlpha = layer.opacity ?? settings.opacity
      context.drawImage(layer.fill, 0, 0)
      context.globalAlpha = 1
    }
    layer.outlines?.draw(context, scale, computeViewport(size, view, scale), settings.colours, settings.lineWidth ?? 2)
  }
  panel.shownCells?.draw(context, panel.image, scale, computeViewport(size, view, scale), settings)
}

// Draws a crosshair at a pixel of the image, the same in every panel.
export function drawCrosshair(context, size, panel, view, point) {
  const scale = setViewTransform(context, size, panel.image, view)
  const left = Math.floor(point.x), top = Math.floor(point.y)
  for (const [colour, lineWidth] of [["rgba(0, 0, 0, 0.7)", 3], ["#ffffff", 1.2]]) {
    context.strokeStyle = colour
    context.lineWidth = lineWidth / scale
    context.beginPath()
    const x = left + 0.5, y = top + 0.5, inner = Math.max(1, 7 / scale), outer = inner + 12 / scale
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * inner, y + dy * inner)
      context.lineTo(x + dx * outer, y + dy * outer)
    }
    if (scale > 6) context.rect(left, top, 1, 1)
    context.stroke()
  }
}

// Waits for the detail of a large image that a drawing will show.
export async function prepareImage(size, panel, view) {
  const scale = Math.min(size.width / panel.image.width, size.height / panel.image.height) * view.scale
  await panel.image.prepare?.(scale, computeViewport(size, view, scale))
}
