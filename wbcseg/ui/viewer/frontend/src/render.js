// One panel, one frame. The same code draws the screen and what is saved.

// Places the picture's point (view.x, view.y) in the middle of the canvas; returns screen pixels a picture pixel.
export function place(context, size, picture, view) {
  const fit = Math.min(size.width / picture.width, size.height / picture.height)
  const s = fit * view.scale
  context.setTransform(s, 0, 0, s, size.width / 2 - view.x * s, size.height / 2 - view.y * s)
  return s
}

// What of the picture is in view.
function sight(size, view, s) {
  const x = view.x - size.width / 2 / s, y = view.y - size.height / 2 / s
  return { x, y, right: x + size.width / s, bottom: y + size.height / s }
}

export function drawPanel(context, size, panel, view, settings) {
  context.setTransform(1, 0, 0, 1, 0, 0)
  context.clearRect(0, 0, size.width, size.height)
  const s = place(context, size, panel.picture, view)
  context.imageSmoothingEnabled = s < 1
  context.drawImage(panel.picture, 0, 0)
  if (settings.hidden) return
  for (const layer of panel.layers ?? []) {
    if (layer.fill) {
      context.globalAlpha = layer.opacity ?? settings.opacity
      context.drawImage(layer.fill, 0, 0)
      context.globalAlpha = 1
    }
    layer.lines?.stroke(context, s, sight(size, view, s), settings.colours, settings.line ?? 2)
  }
}

// A cross-hair at a pixel of the picture, the same in every panel.
export function drawCross(context, size, panel, view, at) {
  const s = place(context, size, panel.picture, view)
  const box = [Math.floor(at.x), Math.floor(at.y), 1, 1]
  for (const [colour, width] of [["rgba(0, 0, 0, 0.7)", 3], ["#ffffff", 1.2]]) {
    context.strokeStyle = colour
    context.lineWidth = width / s
    context.beginPath()
    const x = box[0] + 0.5, y = box[1] + 0.5, gap = Math.max(1, 7 / s), far = gap + 12 / s
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * gap, y + dy * gap)
      context.lineTo(x + dx * far, y + dy * far)
    }
    if (s > 6) context.rect(...box)
    context.stroke()
  }
}
