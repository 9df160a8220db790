import { ERROR_COLOURS, ERROR_LABELS, UNCERTAINTY_COLOURS } from "./overlays.js"
import { formatScore } from "./dom.js"
import { drawPanel, prepareImage } from "./render.js"
import { encodeGreyPng } from "./png.js"
import { loadPanelMap } from "./image_store.js"
import { getStatusStyle } from "./cells/cell_layer.js"
import { formatTypeCounts } from "./cells/type_counts.js"

// Saving what the user sees. Files are made in the browser; nothing is sent.

const GREY_VALUES = [0, 128, 255]
const SIDE = 420, GAP = 24, CAPTION_HEIGHT = 84, TITLE_HEIGHT = 40, LINE_HEIGHT = 20, FONT = "system-ui, sans-serif"
const MAX_COLUMNS = 4

function download(blob, name) {
  const link = document.createElement("a")
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 30000)
}

function formatFileName(viewer, suffix, extension) {
  const stem = viewer.props.file_stem.replace(/[^\w-]+/g, "-").slice(0, 60)
  return `${stem}-${suffix}.${extension}`
}

// Saves the panels as they are on the screen.
export async function saveView(viewer) {
  const { panels, pixelRatio } = viewer, rects = panels.map(panel => panel.canvas.getBoundingClientRect())
  const left = Math.min(...rects.map(r => r.left)), top = Math.min(...rects.map(r => r.top))
  const canvas = document.createElement("canvas")
  canvas.width = Math.ceil((Math.max(...rects.map(r => r.right)) - left) * pixelRatio)
  canvas.height = Math.ceil((Math.max(...rects.map(r => r.bottom)) - top) * pixelRatio)
  const context = canvas.getContext("2d")
  context.fillStyle = getComputedStyle(viewer.node).getPropertyValue("--st-background-color") || "#ffffff"
  context.fillRect(0, 0, canvas.width, canvas.height)
  panels.forEach((panel, i) => context.drawImage(panel.canvas, (rects[i].left - left) * pixelRatio, (rects[i].top - top) * pixelRatio))
  canvas.toBlob(blob => download(blob, formatFileName(viewer, "view", "png")))
}

// Saves a model's mask, with the user's edits, as a PNG with the grey values 0, 128 and 255.
export async function saveMask(viewer, part) {
  const panel = viewer.models.find(model => model.part === part)
  const map = viewer.getEdits(viewer.payload.digest).get(part) ?? (await loadPanelMap(viewer.payload, panel))
  const pixels = Uint8Array.from(map.ids, id => GREY_VALUES[id])
  download(await encodeGreyPng(map.width, map.height, pixels), formatFileName(viewer, part, "png"))
}

// Saves all panels as a figure with captions, legend and notice.
export async function saveFigure(viewer, kind) {
  const layout = computeLayout(viewer.panels)
  const size = { width: SIDE * 2, height: layout.panelHeight * 2 }
  await Promise.all(viewer.panels.map(panel => prepareImage(size, panel, viewer.state.view)))
  const canvases = layout.places.map(({ panel }) => {
    const canvas = document.createElement("canvas")
    Object.assign(canvas, size)
    drawPanel(canvas.getContext("2d"), canvas, panel, viewer.state.view, { ...viewer.settings, hidden: false, lineWidth: 4 })
    return canvas
  })
  const svg = buildSvg(viewer, layout, kind === "svg" ? canvases.map(canvas => canvas.toDataURL("image/png")) : null)
  if (kind === "svg") return download(new Blob([svg], { type: "image/svg+xml" }), formatFileName(viewer, "figure", "svg"))
  const canvas = document.createElement("canvas"), scale = 2
  Object.assign(canvas, { width: layout.width * scale, height: layout.height * scale })
  const context = canvas.getContext("2d")
  context.scale(scale, scale)
  const text = new Image()
  text.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  await text.decode()
  context.drawImage(text, 0, 0)
  layout.places.forEach(({ x, y }, i) => context.drawImage(canvases[i], x, y, SIDE, layout.panelHeight))
  canvas.toBlob(blob => download(blob, formatFileName(viewer, "figure", "png")))
}

// Places the parts of a figure: panels in rows, the legend and the notice below.
export function computeLayout(panels) {
  const { width, height } = panels[0].image, columns = Math.min(panels.length, MAX_COLUMNS)
  const panelHeight = Math.round((SIDE * height) / width), rowHeight = panelHeight + CAPTION_HEIGHT + GAP
  const places = panels.map((panel, i) => ({
    panel,
    x: GAP + (i % columns) * (SIDE + GAP),
    y: GAP + TITLE_HEIGHT + Math.floor(i / columns) * rowHeight + CAPTION_HEIGHT,
  }))
  return {
    places, panelHeight,
    width: GAP + columns * (SIDE + GAP),
    height: GAP + TITLE_HEIGHT + Math.ceil(panels.length / columns) * rowHeight + 4 * LINE_HEIGHT,
  }
}

function listCaptionLines(panel) {
  const lines = [panel.cellLayer ? `${panel.props.title}: ${panel.cellCount}` : panel.props.title]
  if (panel.cellLayer && panel.typeCounts?.length) lines.push(formatTypeCounts(panel.typeCounts))
  if (panel.dice) lines.push(`Dice: ${Object.entries(panel.dice).map(([region, value]) => `${region} ${formatScore(value)}`).join(", ")}`)
  if (panel.props.badge) lines.push(panel.props.badge.caption)
  return lines
}

// Whether a panel shows the colour of a class: of cells in outline, only the nucleus has it.
function showsClass({ props, cellLayer }, id, { style, classOutlines }) {
  if (props.kind === "mask" || (props.kind === "model" && !cellLayer)) return true
  return Boolean(cellLayer) && (id === 2 || (id === 1 && (style !== "outline" || classOutlines)))
}

// Lists the colours that the figure shows and their meaning.
export function listLegendItems(viewer) {
  const { settings, props } = viewer, kinds = new Set(viewer.panels.map(panel => panel.props.kind)), items = []
  for (const { id, title } of [...props.classes].reverse()) {
    if (settings.classes[id] && viewer.panels.some(panel => showsClass(panel, id, settings))) items.push([settings.colours[id], title])
  }
  const statuses = new Map(viewer.panels.flatMap(panel => panel.cellLayer?.cells ?? []).map(cell => [cell.status, cell.status_label]))
  if (!settings.classOutlines) for (const [status, label] of statuses) items.push([getStatusStyle(status).colour, label || "White blood cell"])
  if (kinds.has("errors")) for (const kind of [1, 2, 3]) items.push([ERROR_COLOURS[kind], ERROR_LABELS[kind]])
  if (kinds.has("agreement")) items.push([UNCERTAINTY_COLOURS[2], "models disagree"])
  if (kinds.has("uncertainty")) items.push([UNCERTAINTY_COLOURS[3], "uncertain"])
  return items
}

const escapeXml = text => String(text).replace(/[<>&"]/g, character => `&#${character.charCodeAt(0)};`)

// Builds the figure as SVG. Text stays text; the panels are embedded PNG images, or omitted where they are drawn on top.
export function buildSvg(viewer, layout, imageUrls) {
  const text = (x, y, content, size = 15, weight = 400) =>
    `<text x="${x}" y="${y}" font-size="${size}" font-weight="${weight}">${escapeXml(content)}</text>`
  const parts = [text(GAP, GAP + 16, viewer.props.name, 20, 600)]
  layout.places.forEach(({ panel, x, y }, i) => {
    listCaptionLines(panel).forEach((content, line) =>
      parts.push(text(x, y - CAPTION_HEIGHT + 22 + line * LINE_HEIGHT, content, line ? 13 : 16, line ? 400 : 600)),
    )
    if (imageUrls) parts.push(`<image x="${x}" y="${y}" width="${SIDE}" height="${layout.panelHeight}" href="${imageUrls[i]}"/>`)
  })
  let x = GAP
  const y = layout.height - 3 * LINE_HEIGHT
  for (const [colour, label] of listLegendItems(viewer)) {
    parts.push(`<rect x="${x}" y="${y - 12}" width="14" height="14" fill="${colour}" stroke="#555"/>`, text(x + 20, y, label, 14))
    x += 40 + 8 * label.length
  }
  parts.push(text(GAP, layout.height - LINE_HEIGHT, viewer.props.notice, 12))
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${layout.width}" height="${layout.height}" viewBox="0 0 ${layout.width} ${layout.height}">` +
    `<rect width="100%" height="100%" fill="#ffffff"/><g font-family="${FONT}" fill="#221e33">${parts.join("")}</g></svg>`
  )
}
