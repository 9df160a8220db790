import { DOUBT, ERROR_COLOURS, ERROR_WORDS } from "./overlays.js"
import { share } from "./dom.js"
import { drawPanel } from "./render.js"
import { greyPng } from "./paint.js"
import { mapOf } from "./image_store.js"

// What one sees as a file: made in the browser, so nothing is sent.

const GREY = [0, 128, 255]
const SIDE = 420, GAP = 24, TITLE = 64, LINE = 20, FONT = "system-ui, sans-serif"

export function download(blob, name) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 30000)
}

function fileName(viewer, what, ending) {
  const picture = viewer.data.file.replace(/[^\w-]+/g, "-").slice(0, 60)
  return `${picture}-${what}.${ending}`
}

// The panels as they are on the screen, beside each other.
export async function saveView(viewer) {
  const panels = viewer.order, rects = panels.map(panel => panel.canvas.getBoundingClientRect())
  const left = Math.min(...rects.map(r => r.left)), top = Math.min(...rects.map(r => r.top)), { ratio } = viewer
  const canvas = document.createElement("canvas")
  canvas.width = Math.ceil((Math.max(...rects.map(r => r.right)) - left) * ratio)
  canvas.height = Math.ceil((Math.max(...rects.map(r => r.bottom)) - top) * ratio)
  const context = canvas.getContext("2d")
  context.fillStyle = getComputedStyle(viewer.box).getPropertyValue("--st-background-color") || "#ffffff"
  context.fillRect(0, 0, canvas.width, canvas.height)
  panels.forEach((panel, i) => context.drawImage(panel.canvas, (rects[i].left - left) * ratio, (rects[i].top - top) * ratio))
  canvas.toBlob(blob => download(blob, fileName(viewer, "view", "png")))
}

// A model's mask as a PNG in the grey codes 0, 128 and 255, as it was corrected.
export async function saveMask(viewer, part) {
  const { width, height, ids } = viewer.editsOf(viewer.pack.digest).get(part) ?? (await mapOf(viewer.pack, part))
  download(await greyPng(width, height, Uint8Array.from(ids, id => GREY[id])), fileName(viewer, part, "png"))
}

// Where everything of a figure stands: panels in rows, the legend and the notice below.
export function layout(viewer) {
  const panels = viewer.order, { width, height } = panels[0].picture
  const columns = Math.min(panels.length, panels.length > 4 ? 4 : panels.length)
  const tall = Math.round((SIDE * height) / width), rows = Math.ceil(panels.length / columns)
  const places = panels.map((panel, i) => ({
    panel,
    x: GAP + (i % columns) * (SIDE + GAP),
    y: GAP + 40 + Math.floor(i / columns) * (tall + TITLE + GAP) + TITLE,
  }))
  return {
    places, tall,
    width: GAP + columns * (SIDE + GAP),
    height: GAP + 40 + rows * (tall + TITLE + GAP) + 4 * LINE,
  }
}

function captions(panel) {
  const lines = [panel.data.title]
  if (panel.dice) lines.push(`Dice: nucleus ${share(panel.dice.nucleus)}, cytoplasm ${share(panel.dice.cytoplasm)}, cell ${share(panel.dice.cell)}`)
  if (panel.data.mark?.flatters) lines.push("Trained on this cell: the figures flatter")
  return lines
}

// Colours and what they mean, those that the figure shows.
export function legend(viewer) {
  const { settings, data } = viewer, kinds = new Set(viewer.order.map(panel => panel.data.kind)), items = []
  if (kinds.has("model") || kinds.has("mask")) {
    for (const { id, title } of [...data.classes].reverse()) if (settings.classes[id]) items.push([settings.colours[id], title])
  }
  if (kinds.has("errors")) for (const kind of [1, 2, 3]) items.push([ERROR_COLOURS[kind], ERROR_WORDS[kind]])
  if (kinds.has("agreement")) items.push([DOUBT[2], "models disagree"])
  if (kinds.has("confidence")) items.push([DOUBT[3], "unsure"])
  return items
}

export async function saveFigure(viewer, kind) {
  const plan = layout(viewer), scale = kind === "png" ? 2 : 1
  const pictures = plan.places.map(({ panel }) => {
    const canvas = document.createElement("canvas")
    Object.assign(canvas, { width: SIDE * 2, height: plan.tall * 2 })
    drawPanel(canvas.getContext("2d"), canvas, panel, viewer.kept.view, { ...viewer.settings, hidden: false, line: 4 })
    return canvas
  })
  const svg = figure(viewer, plan, kind === "svg" ? pictures.map(canvas => canvas.toDataURL("image/png")) : null)
  if (kind === "svg") return download(new Blob([svg], { type: "image/svg+xml" }), fileName(viewer, "figure", "svg"))
  const canvas = document.createElement("canvas")
  Object.assign(canvas, { width: plan.width * scale, height: plan.height * scale })
  const context = canvas.getContext("2d")
  context.scale(scale, scale)
  const text = new Image()
  text.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  await text.decode()
  context.drawImage(text, 0, 0)
  plan.places.forEach(({ x, y }, i) => context.drawImage(pictures[i], x, y, SIDE, plan.tall))
  canvas.toBlob(blob => download(blob, fileName(viewer, "figure", "png")))
}

const escaped = text => String(text).replace(/[<>&"]/g, sign => `&#${sign.charCodeAt(0)};`)

// The figure as SVG: words as words, pictures as PNG inside it (or left away, where they are drawn over it).
export function figure(viewer, plan, pictures) {
  const word = (x, y, text, size = 15, weight = 400) =>
    `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}">${escaped(text)}</text>`
  const parts = [word(GAP, GAP + 16, viewer.data.name, 20, 600)]
  plan.places.forEach(({ panel, x, y }, i) => {
    captions(panel).forEach((text, line) => parts.push(word(x, y - TITLE + 22 + line * LINE, text, line ? 13 : 16, line ? 400 : 600)))
    if (pictures) parts.push(`<image x="${x}" y="${y}" width="${SIDE}" height="${plan.tall}" href="${pictures[i]}"/>`)
  })
  let x = GAP
  const y = plan.height - 3 * LINE
  for (const [colour, text] of legend(viewer)) {
    parts.push(`<rect x="${x}" y="${y - 12}" width="14" height="14" fill="${colour}" stroke="#555"/>`, word(x + 20, y, text, 14))
    x += 40 + 8 * text.length
  }
  parts.push(word(GAP, plan.height - LINE, viewer.data.notice, 12))
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${plan.width}" height="${plan.height}" viewBox="0 0 ${plan.width} ${plan.height}">` +
    `<rect width="100%" height="100%" fill="#ffffff"/><g font-family="${FONT}" fill="#221e33">${parts.join("")}</g></svg>`
  )
}
