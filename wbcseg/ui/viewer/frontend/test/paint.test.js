import { test } from "node:test"
import assert from "node:assert/strict"
import { History, decodeRle, encodeRle, floodFill, rasterizePolygon, rasterizeStroke } from "../src/paint.js"

const sorted = pixels => [...pixels].sort((a, b) => a - b)

test("a brush of one pixel sets one pixel", () => {
  assert.deepEqual(sorted(rasterizeStroke(5, 5, { x: 2.5, y: 3.5 }, { x: 2.5, y: 3.5 }, 1)), [17])
})

test("a brush of three pixels sets a disc", () => {
  // The corners' centres are 1.41 pixels away, within the radius of 1.5.
  assert.equal(rasterizeStroke(5, 5, { x: 2.5, y: 2.5 }, { x: 2.5, y: 2.5 }, 3).size, 9)
  // They are outside a radius of 1.25.
  assert.deepEqual(sorted(rasterizeStroke(5, 5, { x: 2.5, y: 2.5 }, { x: 2.5, y: 2.5 }, 2.5)), [7, 11, 12, 13, 17])
})

test("a stroke has no gaps and stays inside the image", () => {
  assert.deepEqual(sorted(rasterizeStroke(6, 2, { x: -3, y: 0.5 }, { x: 9, y: 0.5 }, 1)), [0, 1, 2, 3, 4, 5])
  assert.equal(rasterizeStroke(4, 4, { x: -9, y: -9 }, { x: -9, y: -9 }, 2).size, 0)
})

test("a polygon sets the pixels whose centre is inside", () => {
  const square = [{ x: 1, y: 1 }, { x: 4, y: 1 }, { x: 4, y: 3 }, { x: 1, y: 3 }]
  assert.deepEqual(sorted(rasterizePolygon(5, 5, square)), [6, 7, 8, 11, 12, 13])
  const triangle = [{ x: 0, y: 0 }, { x: 4, y: 0 }, { x: 0, y: 4 }]
  assert.deepEqual(sorted(rasterizePolygon(4, 4, triangle)), [0, 1, 2, 4, 5, 8])
})

test("overlapping parts of a polygon are holes (even-odd rule)", () => {
  const twice = [{ x: 0, y: 0 }, { x: 3, y: 0 }, { x: 3, y: 3 }, { x: 0, y: 3 }]
  assert.equal(rasterizePolygon(3, 3, [...twice, ...twice]).size, 0)
})

test("a polygon beyond the image is clipped", () => {
  const large = [{ x: -5, y: -5 }, { x: 50, y: -5 }, { x: 50, y: 50 }, { x: -5, y: 50 }]
  assert.equal(rasterizePolygon(3, 2, large).size, 6)
})

test("flood fill stops at other classes and at the image edge", () => {
  // prettier-ignore
  const ids = Uint8Array.of(
    0, 0, 1, 0,
    1, 1, 1, 0,
    0, 0, 1, 0,
  )
  assert.deepEqual(sorted(floodFill(ids, 4, 3, 0, 0)), [0, 1])
  assert.deepEqual(sorted(floodFill(ids, 4, 3, 3, 1)), [3, 7, 11])
  assert.deepEqual(sorted(floodFill(ids, 4, 3, 2, 0)), [2, 4, 5, 6, 10])
})

function makeMap() {
  return { ids: Uint8Array.of(0, 1, 2, 0), cytoplasm: Uint8Array.of(10, 200, 20, 0), nucleus: Uint8Array.of(5, 30, 220, 0) }
}

test("an edit changes classes and makes them certain", () => {
  const map = makeMap(), history = new History(map)
  history.begin()
  history.set([0, 1], 2)
  assert.equal(history.end(), true)
  assert.deepEqual([...map.ids], [2, 2, 2, 0])
  assert.deepEqual([...map.nucleus], [255, 255, 220, 0], "pixels that had the class are not touched")
  assert.deepEqual([...map.cytoplasm], [0, 0, 20, 0])
})

test("undo and redo restore classes, one change at a time", () => {
  const map = makeMap(), history = new History(map)
  history.begin()
  history.set([0], 1)
  history.set([0, 3], 2)
  history.end()
  history.begin()
  history.set([1], 0)
  history.end()
  assert.deepEqual([...map.ids], [2, 0, 2, 2])
  assert.equal(history.undo(), true)
  assert.deepEqual([...map.ids], [2, 1, 2, 2])
  assert.equal(history.undo(), true)
  assert.deepEqual([...map.ids], [0, 1, 2, 0])
  assert.equal(history.undo(), false)
  assert.equal(history.redo(), true)
  assert.deepEqual([...map.ids], [2, 1, 2, 2])
  assert.equal(history.canRedo, true)
})

test("a new change discards what could be redone; an empty one does not", () => {
  const map = makeMap(), history = new History(map)
  history.begin()
  history.set([0], 1)
  history.end()
  history.undo()
  history.begin()
  history.set([1], 1)
  assert.equal(history.end(), false)
  assert.equal(history.canRedo, true)
  history.begin()
  history.set([3], 1)
  history.end()
  assert.equal(history.canRedo, false)
})

test("run lengths have the format that Python reads", () => {
  assert.equal(encodeRle(Uint8Array.of(0, 0, 0, 2, 2, 1)), "3x0,2x2,1x1")
})

test("run lengths decode to the same class ids", () => {
  const ids = Uint8Array.from({ length: 200 }, (_, i) => Math.floor(i / 7) % 3)
  assert.deepEqual(decodeRle(encodeRle(ids), 200), ids)
})

for (const text of ["", "3x0", "5x0", "4x3", "-4x0", "4", "4xa", "0x1,4x0", "2x0,3x1"]) {
  test(`run lengths "${text}" are not valid for four pixels`, () => assert.equal(decodeRle(text, 4), null))
}
