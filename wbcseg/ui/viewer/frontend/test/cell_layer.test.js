import { test } from "node:test"
import assert from "node:assert/strict"
import { CellLayer, STATUS_STYLES, getStatusStyle } from "../src/cells/cell_layer.js"
import { placeLabels } from "../src/cells/cell_labels.js"

const makeCell = (id, x, y, side = 20) => ({
  id, number: id, centroid: [x, y], nuclei: [], status: "ok", origin: "model",
  outline: [[x - side / 2, y - side / 2], [x + side / 2, y - side / 2], [x + side / 2, y + side / 2], [x - side / 2, y + side / 2]],
})

function makeLayer(...cells) {
  const layer = new CellLayer()
  layer.setCells(cells)
  return layer
}

test("the cell at a point is the smallest that contains it, else the nearest within reach", () => {
  const layer = makeLayer(makeCell(1, 50, 50, 40), makeCell(2, 60, 50, 10), makeCell(3, 100, 50))
  assert.equal(layer.findAt(60, 50).id, 2)
  assert.equal(layer.findAt(40, 50).id, 1)
  assert.equal(layer.findAt(80, 50), null)
  assert.equal(layer.findAt(87, 50, 5).id, 3)
})

test("cells are stepped through by number", () => {
  const layer = makeLayer(makeCell(3, 0, 0), makeCell(1, 50, 50), makeCell(2, 90, 9))
  assert.equal(layer.findNext(null, 1).id, 1)
  assert.equal(layer.findNext(1, 1).id, 2)
  assert.equal(layer.findNext(3, 1), null)
  assert.equal(layer.findNext(2, -1).id, 1)
  assert.equal(makeLayer().findNext(null, 1), null)
})

test("an arrow key goes to the nearest cell ahead", () => {
  const layer = makeLayer(makeCell(1, 50, 50), makeCell(2, 90, 55), makeCell(3, 70, 200), makeCell(4, 300, 50))
  assert.equal(layer.findInDirection([50, 50], 1, 0, 1).id, 2)
  assert.equal(layer.findInDirection([50, 50], 0, 1, 1).id, 3)
  assert.equal(layer.findInDirection([50, 50], -1, 0, 1), null)
})

test("cells that are gone are no longer selected", () => {
  const layer = makeLayer(makeCell(1, 50, 50), makeCell(2, 90, 55))
  layer.selection.add(1).add(2)
  layer.hovered = 1
  layer.setCells([makeCell(2, 90, 55)])
  assert.deepEqual([[...layer.selection], layer.hovered], [[2], null])
})

test("the typical size is the median width, and without cells a part of the image", () => {
  assert.equal(makeLayer(makeCell(1, 0, 0, 10), makeCell(2, 0, 0, 30), makeCell(3, 0, 0, 24)).getTypicalSize({ width: 100, height: 80 }), 24)
  assert.equal(makeLayer().getTypicalSize({ width: 100, height: 80 }), 8)
})

const viewport = { x: 0, y: 0, right: 400, bottom: 300 }
const place = (layer, scale = 1) => placeLabels(layer.cells, scale, viewport, 1, layer)

test("numbers are in large cells and beside small ones", () => {
  const [inside] = place(makeLayer(makeCell(1, 100, 100, 60)))
  assert.deepEqual([inside.x, inside.y], [100, 100])
  const [beside] = place(makeLayer(makeCell(1, 100, 100, 16)))
  assert.ok(beside.x > 108 && beside.y <= 92)
})

test("numbers do not cover each other, and a selected cell's is always shown", () => {
  const layer = makeLayer(makeCell(1, 100, 100, 10), makeCell(2, 103, 100, 10))
  assert.deepEqual(place(layer).map(({ text }) => text), ["1"])
  layer.selection.add(2)
  assert.deepEqual(place(layer).map(({ text }) => text), ["2"])
})

test("a type is above its cell, else below it, and without its name where that would cover another cell", () => {
  const placeOne = (...others) => {
    const layer = makeLayer({ ...makeCell(1, 100, 100, 40), type: 0 }, ...others)
    layer.types = [{ short: "Neut", colour: "#0072b2" }]
    return place(layer)[0]
  }
  const above = placeOne(), below = placeOne(makeCell(2, 100, 60, 40)), bare = placeOne(makeCell(2, 100, 60, 40), makeCell(3, 100, 140, 40))
  assert.deepEqual([above.name, above.colour], ["Neut", "#0072b2"])
  assert.ok(above.y + above.height / 2 <= 82 && below.y - below.height / 2 >= 118)
  assert.equal(below.name, "Neut")
  assert.equal(bare.name, "")
  assert.ok(bare.width < above.width)
})

test("numbers at the edge of the image stay in view", () => {
  const [label] = place(makeLayer(makeCell(1, 399, 2, 10)))
  assert.ok(label.x + label.width / 2 <= 400 && label.y - label.height / 2 >= 0)
})

test("each status has a colour and dashes of its own, and an unknown one those of none", () => {
  assert.equal(getStatusStyle("other"), STATUS_STYLES[""])
  const styles = ["ok", "review", "out_of_range"].map(getStatusStyle)
  assert.equal(new Set(styles.map(({ colour }) => colour)).size, 3)
  assert.equal(new Set(styles.map(({ dash }) => dash.join())).size, 3)
})
