import { test } from "node:test"
import assert from "node:assert/strict"
import { findNextIndex, formatScore } from "../src/dom.js"
import { buildSvg, computeLayout, listLegendItems } from "../src/export.js"
import { SHORTCUTS } from "../src/help.js"
import { computeColumns, computeFillColumns } from "../src/layout.js"
import { computeViewport, setViewTransform } from "../src/render.js"

test("scores have three decimals, and NaN is n/a", () => {
  assert.deepEqual([formatScore(0.91234), formatScore(1, 2), formatScore(NaN)], ["0.912", "1.00", "n/a"])
})

test("keys move in a list and stop at its ends", () => {
  const keys = ["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"]
  assert.deepEqual(keys.map(key => findNextIndex(5, key, 30)), [6, 4, 15, 0, 0, 29])
  assert.deepEqual([findNextIndex(29, "ArrowDown", 30), findNextIndex(0, "ArrowUp", 30)], [29, 0])
  assert.equal(findNextIndex(5, "a", 30), null)
})

test("columns fill a wide screen, with two on a phone", () => {
  assert.equal(computeColumns(1, 1200, 600, 1), 1)
  assert.equal(computeColumns(4, 1200, 600, 1), 4)
  assert.equal(computeColumns(5, 350, 600, 1), 2)
  assert.equal(computeColumns(3, 200, 600, 1), 1)
})

test("panels of a given height show the image as large as they can", () => {
  assert.equal(computeFillColumns(1, 930, 600, 1), 1)
  assert.equal(computeFillColumns(2, 930, 600, 1), 2)
  assert.equal(computeFillColumns(4, 930, 600, 1), 2)
  // A phone held upright: one above the other.
  assert.equal(computeFillColumns(2, 358, 600, 1), 1)
  // Wide fields of view, too.
  assert.equal(computeFillColumns(2, 930, 700, 2.5), 1)
})

test("the view is centred on its point", () => {
  let transform
  const context = { setTransform: (...values) => (transform = values) }
  const scale = setViewTransform(context, { width: 400, height: 200 }, { width: 100, height: 100 }, { scale: 3, x: 50, y: 20 })
  assert.equal(scale, 6)
  assert.deepEqual(transform, [6, 0, 0, 6, 200 - 300, 100 - 120])
  assert.deepEqual(computeViewport({ width: 400, height: 200 }, { x: 50, y: 20 }, 4), { x: 0, y: -5, right: 100, bottom: 45 })
})

const makePanel = (kind, title, more) => ({ image: { width: 100, height: 50 }, props: { kind, title, ...more } })

test("a figure has at most four panels in a row", () => {
  const layout = computeLayout(Array.from({ length: 5 }, (_, i) => makePanel("model", `Model ${i}`)))
  assert.equal(layout.panelHeight, 210)
  assert.equal(new Set(layout.places.map(({ y }) => y)).size, 2)
  assert.equal(layout.places[4].x, layout.places[0].x)
  assert.ok(layout.places.every(({ x, y }) => x + 420 < layout.width && y + 210 < layout.height))
})

function makeViewer(panels) {
  return {
    panels, settings: { classes: [false, true, true], colours: ["#000000", "#00ff00", "#0000ff"] },
    props: {
      name: "a <b>", notice: "Not a medical device.",
      classes: [{ id: 0, title: "Background" }, { id: 1, title: "Cytoplasm" }, { id: 2, title: "Nucleus" }],
    },
  }
}

test("the legend lists what the panels show", () => {
  assert.deepEqual(listLegendItems(makeViewer([makePanel("image", "Image")])), [])
  assert.deepEqual(listLegendItems(makeViewer([makePanel("mask", "Mask")])), [["#0000ff", "Nucleus"], ["#00ff00", "Cytoplasm"]])
  const labels = listLegendItems(makeViewer([makePanel("errors", "Errors"), makePanel("uncertainty", "U")])).map(([, label]) => label)
  assert.deepEqual(labels, ["false negative", "false positive", "wrong class", "uncertain"])
})

test("the legend of cells has the nucleus, what fills them, and the statuses", () => {
  const panel = makePanel("model", "U-Net"), viewer = makeViewer([panel])
  panel.cellLayer = { cells: [{ status: "review", status_label: "Review" }, { status: "review", status_label: "Review" }] }
  viewer.settings.style = "outline"
  assert.deepEqual(listLegendItems(viewer).map(([, label]) => label), ["Nucleus", "Review"])
  viewer.settings.style = "both"
  assert.deepEqual(listLegendItems(viewer).map(([, label]) => label), ["Nucleus", "Cytoplasm", "Review"])
  Object.assign(viewer.settings, { style: "outline", classOutlines: true })
  assert.deepEqual(listLegendItems(viewer).map(([, label]) => label), ["Nucleus", "Cytoplasm"])
})

test("a figure has titles, scores, remarks and the notice, with XML escaped", () => {
  const panel = makePanel("model", "U-Net <1>", { badge: { caption: "Seen in training" } })
  panel.dice = { nucleus: 0.9, cytoplasm: NaN, cell: 1 }
  const svg = buildSvg(makeViewer([panel]), computeLayout([panel]), ["data:image/png;base64,AA=="])
  for (const text of ["a &#60;b&#62;", "U-Net &#60;1&#62;", "Dice: nucleus 0.900, cytoplasm n/a, cell 1.000", "Seen in training", "Not a medical device."]) {
    assert.ok(svg.includes(`>${text}</text>`), text)
  }
  assert.equal(svg.split("<image ").length, 2)
})

test("no key has two shortcuts, and each belongs to one that the help explains", () => {
  assert.ok(SHORTCUTS[0].help)
  for (const key of ["ArrowLeft", "+", "0", "w", "h", "o", "[", "1", "g", "p", "v", "x", "e", "?"]) {
    const matching = SHORTCUTS.filter(({ matches }) => matches({ key, shiftKey: false }))
    assert.equal(matching.length, 1, key)
  }
})
